-- What every writing script goes on with. ARGV: '<operation id> <ttl in milliseconds or nothing>
-- <number of staged chunks>', and what the operation takes.
--   ops     hash: by operation id, the answer that it had
--   before  hash: the same of earlier operations; ops becomes it when it is full
--   staged  hash: chunks of records that were too large for one request
local ops, before, staged = KEYS[4], KEYS[5], KEYS[6]
local operation, ttl, chunks = string.match(ARGV[1], '^(%x+) (%d*) (%d+)$')
chunks = tonumber(chunks)
local REMEMBERED, REMEMBERED_FOR, RING = 128, 600000, 64

-- A driver sends a call again when its answer was lost: it must not take effect twice. Records name
-- the operation that wrote them; remembered are those that took records away, and those whose
-- records were taken away.
local is_brief = ttl ~= '' and tonumber(ttl) < REMEMBERED_FOR
local expires = state and string.find(flags, 'e', 1, true)
local remembers = state and string.find(flags, 'r', 1, true)
local known
if remembers or not state or is_brief then
  known = redis.call('HGET', ops, operation) or redis.call('HGET', before, operation)
end

-- Another program's key of another type ends the script here, before anything is written.
local function check_types()
  redis.call('ZCARD', order)
  redis.call('HLEN', bodies)
  redis.call('HLEN', ops)
end

-- Remember this operation, and others that need no answer.
local function remember(answer, others)
  local fields = { operation, answer }
  for _, other in ipairs(others) do
    if other and other ~= operation then
      fields[#fields + 1] = other
      fields[#fields + 1] = ''
    end
  end
  redis.call('HSET', ops, unpack(fields))
  redis.call('PEXPIRE', ops, REMEMBERED_FOR)
  if redis.call('HLEN', ops) >= REMEMBERED then
    redis.call('RENAME', ops, before)
  end
end

-- The operations that wrote records last.
local function last_writers()
  local slots = {}
  for slot = 0, RING - 1 do
    slots[#slots + 1] = tostring(slot)
  end
  return redis.call('HMGET', head, unpack(slots))
end

-- Write the head, with other fields of it, and have the conversation expire or not.
local function save(...)
  local expired_before = expires
  expires = ttl ~= ''
  redis.call('HSET', head, 'state', string.format('1 %s %s %.0f %.0f %s%s', epoch, cut, next_position,
    turn, expires and 'e' or '', remembers and 'r' or ''), ...)
  if expires then
    -- The keys expire at one moment. (PEXPIRE would read the clock three times before Redis 7.)
    local now = redis.call('TIME')
    local deadline = now[1] * 1000 + math.floor(now[2] / 1000) + ttl
    deadline = string.format('%.0f', deadline)
    redis.call('PEXPIREAT', head, deadline)
    redis.call('PEXPIREAT', order, deadline)
    redis.call('PEXPIREAT', bodies, deadline)
  elseif expired_before then
    redis.call('PERSIST', head)
    redis.call('PERSIST', order)
    redis.call('PERSIST', bodies)
  end
end

-- Records as a flat list of ids and bodies, from ARGV or from what was staged:
-- "<bytes of id> <bytes of body> <id><body>", one after the other.
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
  redis.call('DEL', staged)
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
      next_position = next_position + 1
    end
    redis.call('ZADD', order, unpack(scores))
    redis.call('HSET', bodies, unpack(fields))
  end
end

-- Those records whose ids the conversation holds, as it holds them; nil where this very operation
-- wrote one of them.
local function held(list)
  local found = {}
  for from = 1, #list, 2 * CHUNK do
    local ids = {}
    for i = from, math.min(from + 2 * CHUNK - 1, #list), 2 do
      ids[#ids + 1] = list[i]
    end
    for i, body in ipairs(redis.call('HMGET', bodies, unpack(ids))) do
      if body then
        if string.sub(body, -#operation) == operation then
          return nil
        end
        found[#found + 1] = ids[i]
        found[#found + 1] = body
      end
    end
  end
  return found
end

-- What ends a script that wrote records.
local function finish()
  turn = turn + 1
  -- A late repetition must not bring back what has expired.
  if is_brief then
    remember('', {})
    remembers = true
  end
  save(tostring(turn % RING), operation)
  return {}
end

-- Append records; the first of a conversation begin it.
local function append(list)
  local found = held(list)
  if not found then
    return {}
  elseif #found > 0 then
    return found
  end
  if not state then
    epoch, cut, next_position, turn = operation, operation, 0, 0
    remembers = redis.call('EXISTS', ops, before) > 0
  end
  write(list)
  return finish()
end
