-- Return the records that the conversation already has.
if count > 0 then
  for from = first, #list, 2 * CHUNK do
    local ids = {}
    for i = from, math.min(from + 2 * CHUNK - 1, #list), 2 do
      ids[#ids + 1] = list[i]
    end
    for i, body in ipairs(redis.call('HMGET', bodies, unpack(ids))) do
      if body then
        result[#result + 1] = ids[i]
        result[#result + 1] = body
      end
    end
  end
  if #result > 0 then
    return result
  end
end
if conflict then
  return conflict
end
