-- Append records next to each other, or return those that are held.
if known then
  return {}
end
local list = records(2)
if not list then
  return redis.error_reply('CHATSTORE staged records are gone')
end
return append(list)
