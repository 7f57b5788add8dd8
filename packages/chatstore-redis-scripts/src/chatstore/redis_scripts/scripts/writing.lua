-- The second part of every writing script. ARGV[1] is '<request id> <time of the request in ms>
-- <ttl in milliseconds or nothing> <number of staged chunks> <expected revision or nothing>'; the
-- other arguments depend on the script. Replies:
--   a number                 the request is too old or too new; the server's time in milliseconds
--   a string                 the conversation has another revision than expected: this one, or '' if
--                            it does not exist
--   a list                   the script's reply
--   {list, owner, entry}     the same, and the entry in the owner's list is due to be refreshed
-- Keys:
--   requests0, requests1  hashes: by request id, the answer, after '!' if a refresh was due
--   staged                hash: chunks of records that were too large for one request
local staged = KEYS[6]
local request_id, sent_at, ttl, chunks, expected =
  string.match(ARGV[1], '^(%x+) (%d+) (%d*) (%d+) (%S*)$')
chunks = tonumber(chunks)

-- A request whose answer was lost is sent again and must not take effect again, however many other
-- requests came between. Requests are remembered for REMEMBERED_FOR to twice as long. An unknown
-- request that was sent longer ago may have been forgotten, so it is refused. Clocks may differ by
-- TRUSTED_FOR: a request is remembered for longer than it is accepted.
local REMEMBERED_FOR, TRUSTED_FOR, REFRESH_AFTER = 300000, 150000, 60000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HGET', KEYS[4], request_id) or redis.call('HGET', KEYS[5], request_id)
if not known and math.abs(now - tonumber(sent_at)) > TRUSTED_FOR then
  return now
end
local is_due = false
if known and string.sub(known, 1, 1) == '!' then
  is_due, known = true, string.sub(known, 2)
end
if state then
  created, updated, expires, refreshed =
    tonumber(created), tonumber(updated), tonumber(expires), tonumber(refreshed)
end

-- Return the revision if the caller expects another one ('' if the conversation does not exist).
local function conflict()
  return expected ~= '' and expected ~= revision and (revision or '') or nil
end

-- Remember this request. The two hashes are used alternately; each has expired when it is used again.
local function remember(answer)
  local period = math.floor(now / REMEMBERED_FOR)
  local requests = KEYS[4 + period % 2]
  redis.call('HSET', requests, request_id, is_due and '!' .. answer or answer)
  redis.call('PEXPIREAT', requests, string.format('%.0f', (period + 2) * REMEMBERED_FOR))
end

-- Return a script's reply, with the entry in the owner's list if it is due to be refreshed.
local function answer(list)
  if is_due then
    return { list, unpack(redis.call('HMGET', head, 'owner', 'entry')) }
  end
  return list
end

-- Begin a conversation, without records. (Positions continue if only the head is left.)
local function begin()
  epoch, cut, next_position, count, newest = request_id, request_id, next_position or 0, 0, 0
  created, updated, expires, refreshed, flags = now, 0, 0, 0, ''
end

-- Write the state, and set or remove the expiry of the conversation.
local function save()
  local did_expire = expires > 0
  revision, updated = request_id, math.max(now, updated)
  expires = ttl ~= '' and now + tonumber(ttl) or 0
  if math.abs(now - refreshed) >= REFRESH_AFTER and string.find(flags, 'o', 1, true) then
    refreshed, is_due = now, true
  end
  state = string.format('1 %s %s %.0f %.0f %.0f %s %.0f %.0f %.0f %.0f %s', epoch, cut, next_position,
    count, newest, revision, created, updated, expires, refreshed, flags)
  redis.call('HSET', head, 'state', state)
  if expires > 0 then
    -- one deadline for all keys: before Redis 7, each PEXPIRE would read the clock again
    local deadline = string.format('%.0f', expires)
    redis.call('PEXPIREAT', head, deadline)
    redis.call('PEXPIREAT', order, deadline)
    redis.call('PEXPIREAT', bodies, deadline)
  elseif did_expire then
    redis.call('PERSIST', head)
    redis.call('PERSIST', order)
    redis.call('PERSIST', bodies)
  end
end

-- Save the conversation. Without messages, one goes whose record does not outlast them.
local function save_or_delete()
  if count == 0 and flags == '' then
    redis.call('DEL', head, order, bodies)
  else
    save()
  end
end

-- Save the conversation after records were removed.
local function finish_removal()
  cut, newest = request_id, tonumber(redis.call('ZRANGE', order, -1, -1, 'WITHSCORES')[2] or 0)
  save_or_delete()
end

-- Return records as a flat list of ids and bodies, from ARGV or from staged chunks:
-- '<bytes of id> <bytes of body> <id><body>' for each record.
local function records(first)
  local list = {}
  if chunks == 0 then
    for i = first, #ARGV do
      list[#list + 1] = ARGV[i]
    end
    return list
  end
  local parts = {}
  for n = 1, chunks do
    parts[n] = redis.call('HGET', staged, tostring(n))
    if not parts[n] then
      return nil
    end
  end
  local text, at = table.concat(parts), 1
  while at <= #text do
    local _, stop, id_size, body_size = string.find(text, '^(%d+) (%d+) ', at)
    local body_at = stop + 1 + id_size
    list[#list + 1] = string.sub(text, stop + 1, body_at - 1)
    list[#list + 1] = string.sub(text, body_at, body_at + body_size - 1)
    at = body_at + body_size
  end
  return list
end

-- Write records at the next positions.
local function write(list)
  for from = 1, #list, 2 * CHUNK do
    local scores, fields = {}, {}
    for i = from, math.min(from + 2 * CHUNK - 1, #list), 2 do
      scores[#scores + 1] = string.format('%.0f', next_position)
      scores[#scores + 1] = list[i]
      fields[#fields + 1] = list[i]
      fields[#fields + 1] = list[i + 1]
      next_position, count = next_position + 1, count + 1
    end
    redis.call('ZADD', order, unpack(scores))
    redis.call('HSET', bodies, unpack(fields))
    newest = next_position - 1
  end
end

-- Return the records with these ids that the conversation already has.
local function existing(list)
  local result = {}
  for from = 1, #list, 2 * CHUNK do
    local ids = {}
    for i = from, math.min(from + 2 * CHUNK - 1, #list), 2 do
      ids[#ids + 1] = list[i]
    end
    for i, body in ipairs(redis.call('HMGET', bodies, unpack(ids))) do
      if body then
        result[#result + 1] = ids[i]
        result[#result + 1] = body
      end
    end
  end
  return result
end

-- End a script that wrote records; return {state} if the caller needs it.
local function finish(needs_state)
  if chunks > 0 then
    redis.call('DEL', staged)
  end
  save_or_delete()
  local result = needs_state and { state } or {}
  remember(result[1] or '')
  return answer(result)
end

-- Append records, or return those that the conversation already has.
local function append(list)
  local result = existing(list)
  if #result > 0 then
    return result
  end
  local current = conflict()
  if current then
    return current
  end
  if not state then
    begin()
  end
  write(list)
  return finish()
end
