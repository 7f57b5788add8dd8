-- Replace the conversation by records, also one whose parts do not agree.
if known then
  return {}
end
local list = records(2)
if not list then
  return redis.error_reply('CHATSTORE staged')
end
redis.call('DEL', head, order, bodies)
-- Positions go on, so that no part of before fits to the others.
state, flags = nil, nil
return append(list)
