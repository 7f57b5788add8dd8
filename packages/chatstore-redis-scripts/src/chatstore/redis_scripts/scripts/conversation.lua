-- The beginning of every script for one conversation: its keys, and its state.
--   head    hash: state; owner, title, metadata and entry (the id of its entry in the owner's list)
--           if the conversation's record has them
--   order   sorted set: message ids by position
--   bodies  hash: by message id, the message's JSON and 12 hex digits of its SHA-1
local head, order, bodies = KEYS[1], KEYS[2], KEYS[3]

-- Lua's unpack accepts about 8,000 values.
local CHUNK = 1000

local state = redis.call('HGET', head, 'state')
local epoch, cut, next_position, count, newest
local revision, created, updated, expires, refreshed, flags
if state then
  epoch, cut, next_position, count, newest, revision, created, updated, expires, refreshed, flags =
    string.match(state, STATE)
  if not epoch then
    return unreadable(state)
  end
  next_position, count, newest = tonumber(next_position), tonumber(count), tonumber(newest)
elseif redis.call('EXISTS', head) == 1 then
  return unreadable(nil)
else
  count = 0
end

-- Redis may have evicted a part, or an older state of it was restored. Positions only grow, so parts
-- of the same size with the same newest message belong to the same moment, except for messages that
-- were replaced in place.
-- (If a key belongs to another program, the script fails here, before it writes anything.)
local length = redis.call('ZCARD', order)
local damaged = length ~= count or redis.call('HLEN', bodies) ~= count
if count > 0 and not damaged then
  local id, position = unpack(redis.call('ZRANGE', order, -1, -1, 'WITHSCORES'))
  damaged = tonumber(position) ~= newest or redis.call('HEXISTS', bodies, id) == 0
end
