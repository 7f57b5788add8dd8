-- What every script begins with: the keys of one conversation, and what its head says.
--   head    hash: state, '<version of the layout> <epoch> <cut> <next position> <turn> <flags>', where
--           turn counts the operations that wrote, and flags are e (it expires) and r (operations
--           are remembered); and by a turn's rest of 64, the operation of that turn
--   order   sorted set: message id by position
--   bodies  hash: by message id, the message's JSON, 12 hex digits of its SHA-1, and 16 of the
--           operation that wrote it
local head, order, bodies = KEYS[1], KEYS[2], KEYS[3]

-- Lua's unpack takes some 8,000 values.
local CHUNK = 1000

-- One field, since Redis looks through a small hash from its start for each.
local state = redis.call('HGET', head, 'state')
local epoch, cut, next_position, turn, flags
if state then
  epoch, cut, next_position, turn, flags = string.match(state, '^1 (%x+) (%x+) (%d+) (%d+) (%a*)$')
  if not epoch then
    return redis.error_reply('CHATSTORE schema ' .. string.match(state, '^%S*'))
  end
  next_position, turn = tonumber(next_position), tonumber(turn)
elseif redis.call('EXISTS', head) == 1 then
  return redis.error_reply('CHATSTORE head')
end
