-- Replace the conversation by records, even if its parts do not match.
if known then
  return {}
end
local list = records(2)
if not list then
  return redis.error_reply('CHATSTORE staged')
end
redis.call('DEL', head, order, bodies)
-- Positions continue, so that a part restored from an older state cannot match the others.
state, flags = nil, nil
return append(list)
