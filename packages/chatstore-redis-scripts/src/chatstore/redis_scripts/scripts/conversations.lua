-- Return {state, owner, title, metadata, entry} of conversations. KEYS are the head, the order and
-- the bodies of each; those that do not exist have no state.
local out = {}
for i = 1, #KEYS, 3 do
  local fields = redis.call('HMGET', KEYS[i], 'state', 'owner', 'title', 'metadata', 'entry')
  if fields[1] and not string.match(fields[1], STATE) then
    return unreadable(fields[1])
  end
  if not fields[1] and redis.call('EXISTS', KEYS[i]) == 1 then
    return unreadable(nil)
  end
  if not fields[1] and redis.call('EXISTS', KEYS[i + 1], KEYS[i + 2]) > 0 then
    return redis.error_reply('CHATSTORE parts')
  end
  out[#out + 1] = fields
end
return out
