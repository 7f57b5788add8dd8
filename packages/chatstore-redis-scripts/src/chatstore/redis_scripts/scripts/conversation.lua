-- What every script begins with: the keys of one conversation, and what its head says.
--   head    hash: state, '<version of the layout> <epoch> <cut> <next position> <number of messages>
--           <newest position> <flags>'; the only flag is e: the conversation expires
--   order   sorted set: message id by position
--   bodies  hash: by message id, the message's JSON and 12 hex digits of its SHA-1
local head, order, bodies = KEYS[1], KEYS[2], KEYS[3]

-- Lua's unpack takes some 8,000 values.
local CHUNK = 1000

local state = redis.call('HGET', head, 'state')
local epoch, cut, next_position, count, newest, flags
if state then
  epoch, cut, next_position, count, newest, flags =
    string.match(state, '^1 (%x+) (%x+) (%d+) (%d+) (%d+) (%a*)$')
  if not epoch then
    local version = string.match(state, '^(%d+) ')
    return redis.error_reply(version and version ~= '1' and 'CHATSTORE schema' or 'CHATSTORE head')
  end
  next_position, count, newest = tonumber(next_position), tonumber(count), tonumber(newest)
elseif redis.call('EXISTS', head) == 1 then
  return redis.error_reply('CHATSTORE head')
else
  count = 0
end

-- Redis may have lost a part: evicted it, or restored an older one. Positions only grow, so parts of
-- the same size with the same newest message are of the same moment.
-- (Keys of another program end the script here, before anything is written.)
local length = redis.call('ZCARD', order)
local damaged = length ~= count or redis.call('HLEN', bodies) ~= count
if state and not damaged then
  local id, position = unpack(redis.call('ZRANGE', order, -1, -1, 'WITHSCORES'))
  damaged = tonumber(position) ~= newest or redis.call('HEXISTS', bodies, id) == 0
end
