-- Insert a record before the index ARGV[2], as Python's list.insert does.
local index = tonumber(ARGV[2])
if index < 0 then
  index = math.max(0, index + length)
end
-- Positions only grow: the records that follow get positions after the new one's.
local ids = redis.call('ZRANGE', order, math.min(index, length), -1)
if #ids > 0 then
  epoch, cut = request_id, request_id
end
table.insert(ids, 1, list[first])
for from = 1, #ids, CHUNK do
  local scores = {}
  for i = from, math.min(from + CHUNK - 1, #ids) do
    scores[#scores + 1] = string.format('%d', next_position)
    scores[#scores + 1] = ids[i]
    next_position = next_position + 1
  end
  redis.call('ZADD', order, unpack(scores))
end
redis.call('HSET', bodies, list[first], list[first + 1])
count, newest = count + 1, next_position - 1
