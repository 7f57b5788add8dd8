-- Append records next to each other, or return those that the conversation already has.
if known then
  return answer({})
end
local list = records(2)
if not list then
  return redis.error_reply('CHATSTORE staged')
end
return append(list)
