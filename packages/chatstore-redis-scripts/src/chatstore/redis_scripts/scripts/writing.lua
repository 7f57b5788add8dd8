-- The second part of every writing script. ARGV[1] is '<request id> <time of the request in ms>
-- <ttl in milliseconds or nothing> <number of staged chunks> <index of the first record's id in ARGV>
-- <expected revision or nothing>'; the other arguments depend on the script. Replies:
--   a number                 the request is too old or too new; the server's time in milliseconds
--   a string                 the conversation has another revision than expected: this one, or '' if
--                            it does not exist
--   a list                   the script's reply
--   {list, owner, entry}     the same, and the entry in the owner's list is due to be refreshed
-- Keys:
--   requests0, requests1  hashes: by request id, the answer, after '!' if a refresh was due
--   staged                hash: chunks of records that were too large for one request
-- Scripts are written in one piece, without functions that share these variables: creating such
-- functions would take a third of the time of an append.
local request_id, sent_at, ttl, chunks, first, expected =
  string.match(ARGV[1], '^(%x+) (%d+) (%d*) (%d+) (%d+) (%S*)$')
chunks, first = tonumber(chunks), tonumber(first)

-- A request whose answer was lost is sent again and must not take effect again, however many other
-- requests came between. Requests are remembered for REMEMBERED_FOR to twice as long. An unknown
-- request that was sent longer ago may have been forgotten, so it is refused. Clocks may differ by
-- TRUSTED_FOR: a request is remembered for longer than it is accepted.
local REMEMBERED_FOR, TRUSTED_FOR, REFRESH_AFTER = 300000, 150000, 60000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HGET', KEYS[4], request_id) or redis.call('HGET', KEYS[5], request_id)
if not known and math.abs(now - sent_at) > TRUSTED_FOR then
  return now
end
local is_due = false
if known and string.sub(known, 1, 1) == '!' then
  is_due, known = true, string.sub(known, 2)
end

-- What the caller gets if it expects another revision; '' if the conversation does not exist.
local conflict = expected ~= '' and expected ~= revision and (revision or '')
if not state then
  epoch, cut, next_position, newest = request_id, request_id, 0, 0
  created, updated, expires, refreshed, flags = now, 0, '0', 0, ''
end

-- What a script replies, and what is remembered for a repeated request; or both are the new state.
local result, memory, returns_state = {}, '', false

-- Remember this request. The two hashes are used alternately; each has expired when it is used again.
local function remember(answer)
  local period = math.floor(now / REMEMBERED_FOR)
  local requests = KEYS[4 + period % 2]
  redis.call('HSET', requests, request_id, is_due and '!' .. answer or answer)
  redis.call('PEXPIREAT', requests, string.format('%d', (period + 2) * REMEMBERED_FOR))
end

-- Return a script's reply, with the entry in the owner's list if it is due to be refreshed.
local function answer(list)
  if is_due then
    return { list, unpack(redis.call('HMGET', head, 'owner', 'entry')) }
  end
  return list
end
