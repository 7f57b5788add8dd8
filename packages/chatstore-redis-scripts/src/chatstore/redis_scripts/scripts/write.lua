-- Write the records at the next positions.
for from = first, #list, 2 * CHUNK do
  local last = math.min(from + 2 * CHUNK - 1, #list)
  local scores = {}
  for i = from, last, 2 do
    scores[#scores + 1] = string.format('%d', next_position)
    scores[#scores + 1] = list[i]
    next_position, count = next_position + 1, count + 1
  end
  redis.call('ZADD', order, unpack(scores))
  redis.call('HSET', bodies, unpack(list, from, last))
  newest = next_position - 1
end
