-- Delete the conversation, even if its parts do not match; return {entry, owner} if it had an owner.
if not known then
  local owner, entry = unpack(redis.call('HMGET', head, 'owner', 'entry'))
  known = owner and entry and entry .. ' ' .. owner or ''
  redis.call('DEL', head, order, bodies)
  remember(known)
end
if known == '' then
  return {}
end
local space = string.find(known, ' ', 1, true)
return { string.sub(known, 1, space - 1), string.sub(known, space + 1) }
