-- What every script begins with: the keys of one conversation.
--   head    hash: v (the layout's version), epoch, cut, next (the next position), ttl (if it
--           expires), ops (if operations are remembered), turn (how many operations wrote), and by
--           a turn's rest of 64, the operation of that turn
--   order   sorted set: message id by position
--   bodies  hash: by message id, the message's JSON, 12 hex digits of its SHA-1, and 16 of the
--           operation that wrote it
local head, order, bodies = KEYS[1], KEYS[2], KEYS[3]

-- Lua's unpack takes some 8,000 values.
local CHUNK = 1000

local state = redis.call('HMGET', head, 'v', 'epoch', 'next', 'cut', 'ttl', 'ops', 'turn')
if state[1] and state[1] ~= '1' then
  return redis.error_reply('CHATSTORE schema ' .. state[1])
end
