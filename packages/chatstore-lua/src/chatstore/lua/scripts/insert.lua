-- Insert a record before the index ARGV[2], as Python's list.insert, or return it where it is held.
if known then
  return {}
end
local list = records(3)
if not list then
  return redis.error_reply('CHATSTORE staged records are gone')
end
check_types()
local length, place = redis.call('ZCARD', order), tonumber(ARGV[2])
if place < 0 then
  place = math.max(0, place + length)
end
if place >= length then
  return append(list)
end
local found = held(list)
if not found then
  return {}
elseif #found > 0 then
  return found
end
-- Positions only grow: what follows moves behind the new record.
local tail = redis.call('ZRANGE', order, place, -1)
write(list)
for from = 1, #tail, CHUNK do
  local scores = {}
  for i = from, math.min(from + CHUNK - 1, #tail) do
    scores[#scores + 1] = string.format('%.0f', next_position)
    scores[#scores + 1] = tail[i]
    next_position = next_position + 1
  end
  redis.call('ZADD', order, unpack(scores))
end
epoch, cut = operation, operation
return finish()
