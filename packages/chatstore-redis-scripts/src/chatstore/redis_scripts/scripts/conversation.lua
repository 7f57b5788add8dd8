-- The beginning of every script: the keys of one conversation, and its state.
--   head    hash; its field state is '<version of the layout> <epoch> <cut> <next position>
--           <number of messages> <newest position> <flags>'. The only flag is e: the conversation
--           expires. The hash has room for more fields: the conversation's record (owner, title,
--           metadata, times) and its revision will be fields beside state, so that a script reads
--           and writes them at the same moment.
--   order   sorted set: message ids by position
--   bodies  hash: by message id, the message's JSON and 12 hex digits of its SHA-1
local head, order, bodies = KEYS[1], KEYS[2], KEYS[3]

-- Lua's unpack accepts about 8,000 values.
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

-- Redis may have evicted a part, or an older state of it was restored. Positions only grow, so parts
-- of the same size with the same newest message belong to the same moment.
-- (If a key belongs to another program, the script fails here, before it writes anything.)
local length = redis.call('ZCARD', order)
local damaged = length ~= count or redis.call('HLEN', bodies) ~= count
if state and not damaged then
  local id, position = unpack(redis.call('ZRANGE', order, -1, -1, 'WITHSCORES'))
  damaged = tonumber(position) ~= newest or redis.call('HEXISTS', bodies, id) == 0
end
