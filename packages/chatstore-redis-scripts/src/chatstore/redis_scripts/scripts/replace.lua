-- Replace all records of the conversation, even if its parts do not match. Its own record stays.
if known then
  return answer({})
end
local list = records(2)
if not list then
  return redis.error_reply('CHATSTORE staged')
end
redis.call('DEL', order, bodies)
if state then
  -- Positions continue, so that a part restored from an older state cannot match the others.
  epoch, cut, count, newest = request_id, request_id, 0, 0
else
  begin()
end
write(list)
return finish()
