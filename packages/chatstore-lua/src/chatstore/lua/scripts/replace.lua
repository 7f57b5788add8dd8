-- Replace the conversation by records.
if known then
  return {}
end
local list = records(4)
if not list then
  return redis.error_reply('CHATSTORE staged records are gone')
end
redis.call('DEL', head, order, bodies)
return append(list)
