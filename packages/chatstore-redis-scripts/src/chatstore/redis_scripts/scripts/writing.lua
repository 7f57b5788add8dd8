-- The second part of every writing script. ARGV[1] is '<request id> <time of the request in ms>
-- <ttl in milliseconds or nothing> <number of staged chunks>'; the other arguments depend on the script.
--   requests0, requests1  hashes: by request id, the answer
--   staged                hash: chunks of records that were too large for one request
local staged = KEYS[6]
local request_id, sent_at, ttl, chunks = string.match(ARGV[1], '^(%x+) (%d+) (%d*) (%d+)$')
chunks = tonumber(chunks)

-- A request whose answer was lost is sent again and must not take effect again, however many other
-- requests came between. Requests are remembered for REMEMBERED_FOR to twice as long. An unknown
-- request that was sent longer ago may have been forgotten, so it is refused. Clocks may differ by
-- TRUSTED_FOR: a request is remembered for longer than it is accepted.
local REMEMBERED_FOR, TRUSTED_FOR = 300000, 150000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HGET', KEYS[4], request_id) or redis.call('HGET', KEYS[5], request_id)
if not known and math.abs(now - tonumber(sent_at)) > TRUSTED_FOR then
  return now
end

-- Remember this request. The two hashes are used alternately; each has expired when it is used again.
local function remember(answer)
  local period = math.floor(now / REMEMBERED_FOR)
  local requests = KEYS[4 + period % 2]
  redis.call('HSET', requests, request_id, answer)
  redis.call('PEXPIREAT', requests, string.format('%.0f', (period + 2) * REMEMBERED_FOR))
end

-- Write the head, and set or remove the expiry of the conversation.
local function save()
  local expires, did_expire = ttl ~= '', flags and string.find(flags, 'e', 1, true)
  redis.call('HSET', head, 'state', string.format('1 %s %s %.0f %.0f %.0f %s', epoch, cut, next_position,
    count, newest, expires and 'e' or ''))
  if expires then
    -- one deadline for all keys: before Redis 7, each PEXPIRE would read the clock again
    local deadline = string.format('%.0f', now + tonumber(ttl))
    redis.call('PEXPIREAT', head, deadline)
    redis.call('PEXPIREAT', order, deadline)
    redis.call('PEXPIREAT', bodies, deadline)
  elseif did_expire then
    redis.call('PERSIST', head)
    redis.call('PERSIST', order)
    redis.call('PERSIST', bodies)
  end
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

-- End a script that wrote records, the last of them at the newest position.
local function finish()
  if chunks > 0 then
    redis.call('DEL', staged)
  end
  newest = next_position - 1
  save()
  remember('')
  return {}
end

-- Append records, or return those that the conversation already has.
local function append(list)
  local result = existing(list)
  if #result > 0 then
    return result
  end
  if not state then
    epoch, cut, next_position, count = request_id, request_id, next_position or 0, 0
  end
  write(list)
  return finish()
end
