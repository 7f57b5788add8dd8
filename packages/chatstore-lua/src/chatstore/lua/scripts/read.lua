-- Read records and return {epoch, cut, 'more' or 'all', number of first records, positions, body, …};
-- {} where there is no conversation. The positions stand in one text: a reply of many small values
-- takes clients long to read. ARGV:
--   1 'newest' or 'oldest': from which end; the records come in that order
--   2 how many at most
--   3 the position they stand before or after, or ''
--   4 how many of the first records are wanted as well
--   5 after how many bytes to stop, 0: never
local direction, limit, bound = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local leading, most = tonumber(ARGV[4]), tonumber(ARGV[5])
if not state[2] then
  return {}
end

local out = { state[2], state[4], 'all', '0', '' }
local positions = {}
local size = 0

-- Add the records of a list of ids and positions; return how many there was room for.
local function add(found)
  for from = 1, #found, 2 * CHUNK do
    local ids = {}
    for i = from, math.min(from + 2 * CHUNK - 1, #found), 2 do
      ids[#ids + 1] = found[i]
    end
    for i, body in ipairs(redis.call('HMGET', bodies, unpack(ids))) do
      body = body or ''
      if most > 0 and size > 0 and size + #body > most then
        out[3] = 'more'
        return (from - 1) / 2 + i - 1
      end
      size = size + #body
      positions[#positions + 1] = found[from + 2 * i - 1]
      out[#out + 1] = body
    end
  end
  return #found / 2
end

if leading > 0 then
  out[4] = string.format('%.0f', add(redis.call('ZRANGE', order, 0, leading - 1, 'WITHSCORES')))
end
if out[3] == 'all' then
  local found
  if direction == 'newest' then
    local start = bound == '' and '+inf' or '(' .. bound
    found = redis.call('ZREVRANGEBYSCORE', order, start, '-inf', 'WITHSCORES', 'LIMIT', 0, limit)
  else
    local start = bound == '' and '-inf' or '(' .. bound
    found = redis.call('ZRANGEBYSCORE', order, start, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
  end
  add(found)
end
out[5] = table.concat(positions, ' ')
return out
