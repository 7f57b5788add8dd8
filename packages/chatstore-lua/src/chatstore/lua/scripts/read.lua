-- Read records and return {epoch, cut, 'more' or 'all', positions of the first records, positions
-- of the others, bodies, …}; {} where there is no conversation. A reply of many values takes clients
-- long to read: positions are '<position>' or, where they follow each other,
-- '<position>*<how many>'; bodies stand many in a text, with line breaks between them. ARGV:
--   1 'newest' or 'oldest': from which end; the records come in that order
--   2 how many at most
--   3 the position they stand before or after, or ''
--   4 how many of the first records are wanted as well
--   5 after how many bytes to stop, 0: never
local direction, limit, bound = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local leading, most = tonumber(ARGV[4]), tonumber(ARGV[5])
if not state then
  return {}
end

local TEXT_RECORDS, TEXT_BYTES = 100, 65536

local out = { epoch, cut, 'all', '', '' }
local size = 0
local text, text_size = {}, 0

local function flush()
  if #text > 0 then
    out[#out + 1] = table.concat(text, '\n')
    text, text_size = {}, 0
  end
end

local function put(body)
  if string.find(body, '\n', 1, true) then
    -- No JSON of ours: it stays unreadable.
    body = string.gsub(body, '\n', '\0')
  end
  text[#text + 1] = body
  text_size = text_size + #body
  if #text == TEXT_RECORDS or text_size >= TEXT_BYTES then
    flush()
  end
end

-- Add the bodies of a list of ids; return how many there was room for.
local function put_all(ids)
  for from = 1, #ids, CHUNK do
    local last = math.min(from + CHUNK - 1, #ids)
    for i, body in ipairs(redis.call('HMGET', bodies, unpack(ids, from, last))) do
      body = body or ''
      if most > 0 and size > 0 and size + #body > most then
        out[3] = 'more'
        return from + i - 2
      end
      size = size + #body
      put(body)
    end
  end
  return #ids
end

-- Add the records that a command finds, whose positions go up or down by a step where none is
-- missing; return the positions of those there was room for.
local function add(step, ...)
  local ids = redis.call(...)
  local count = put_all(ids)
  if count == 0 then
    return ''
  end
  local first, last = redis.call('ZSCORE', order, ids[1]), redis.call('ZSCORE', order, ids[#ids])
  if (tonumber(last) - tonumber(first)) * step == #ids - 1 then
    return first .. '*' .. string.format('%.0f', count)
  end
  local arguments = { ... }
  arguments[#arguments + 1] = 'WITHSCORES'
  local found, positions = redis.call(unpack(arguments)), {}
  for i = 1, count do
    positions[i] = found[2 * i]
  end
  return table.concat(positions, ' ')
end

if leading > 0 then
  out[4] = add(1, 'ZRANGE', order, 0, leading - 1)
end
if out[3] == 'all' then
  if direction == 'newest' then
    local start = bound == '' and '+inf' or '(' .. bound
    out[5] = add(-1, 'ZREVRANGEBYSCORE', order, start, '-inf', 'LIMIT', 0, limit)
  else
    local start = bound == '' and '-inf' or '(' .. bound
    out[5] = add(1, 'ZRANGEBYSCORE', order, start, '+inf', 'LIMIT', 0, limit)
  end
end
flush()
return out
