-- Replace the conversation by records.
if known then
  return {}
end
local list = records(2)
if not list then
  return redis.error_reply('CHATSTORE staged records are gone')
end
check_types()
remember('', last_writers())
redis.call('DEL', head, order, bodies)
state = nil
return append(list)
