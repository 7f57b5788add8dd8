-- Read records and return {epoch, cut, 'more' or 'all' (whether others follow), positions of the first records, positions
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

local TEXT_RECORDS = 100
local find = string.find

local out = { epoch, cut, 'all', '', '' }
local size = 0

-- Add the bodies of a list of ids; return how many there was room for.
local function put_all(ids)
  for from = 1, #ids, TEXT_RECORDS do
    local last = math.min(from + TEXT_RECORDS - 1, #ids)
    local found = redis.call('HMGET', bodies, unpack(ids, from, last))
    for i = 1, #found do
      local body = found[i]
      if not body then
        found[i] = ''
      else
        size = size + #body
        if find(body, '\n', 1, true) then
          -- No JSON of ours: it stays unreadable.
          found[i] = string.gsub(body, '\n', '\0')
        end
        if most > 0 and size > most and size > #body then
          out[3] = 'more'
          if i > 1 then
            out[#out + 1] = table.concat(found, '\n', 1, i - 1)
          end
          return from + i - 2
        end
      end
    end
    out[#out + 1] = table.concat(found, '\n')
  end
  return #ids
end

-- Add the records that a command finds, whose positions go up or down by a step where none is
-- missing; return the positions of those there was room for.
local function add(step, wanted, ...)
  local ids = redis.call(...)
  if #ids > wanted then
    ids[#ids] = nil
    out[3] = 'more'
  end
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
  out[4] = add(1, leading, 'ZRANGE', order, 0, leading - 1)
end
if out[3] == 'all' then
  if direction == 'newest' then
    local start = bound == '' and '+inf' or '(' .. bound
    out[5] = add(-1, limit, 'ZREVRANGEBYSCORE', order, start, '-inf', 'LIMIT', 0, limit + 1)
  else
    local start = bound == '' and '-inf' or '(' .. bound
    out[5] = add(1, limit, 'ZRANGEBYSCORE', order, start, '+inf', 'LIMIT', 0, limit + 1)
  end
end
return out
