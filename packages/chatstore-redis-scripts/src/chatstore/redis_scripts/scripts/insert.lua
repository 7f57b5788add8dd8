-- Insert a record before the index ARGV[2], as Python's list.insert does, or return the existing
-- record with its id.
if known then
  return answer({})
end
local list = records(3)
if not list then
  return redis.error_reply('CHATSTORE staged')
end
local index = tonumber(ARGV[2])
if index < 0 then
  index = math.max(0, index + length)
end
if index >= length then
  return append(list)
end
local records_with_ids = existing(list)
if #records_with_ids > 0 then
  return records_with_ids
end
local current = conflict()
if current then
  return current
end
-- Positions only grow: the records that follow get positions after the new one's.
local tail = redis.call('ZRANGE', order, index, -1)
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
epoch, cut, newest = request_id, request_id, next_position - 1
return finish()
