-- Replace the body of the record with the same id, or append the record. If ARGV[2] is 'end', the
-- record is moved behind all others.
if known then
  return answer({})
end
local list = records(3)
if not list then
  return redis.error_reply('CHATSTORE staged')
end
if not state then
  begin()
elseif redis.call('HEXISTS', bodies, list[1]) == 1 then
  -- A read that takes several scripts must not see both bodies.
  cut = request_id
  if ARGV[2] ~= 'end' then
    redis.call('HSET', bodies, list[1], list[2])
    list = {}
  else
    count = count - 1
  end
end
write(list)
return finish()
