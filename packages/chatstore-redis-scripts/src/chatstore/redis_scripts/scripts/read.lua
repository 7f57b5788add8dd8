-- Read records and return {epoch, cut, 'more' or 'all' (whether records follow), positions of the
-- first records, positions of the others, the conversation or false, bodies, …}; {} if the
-- conversation does not exist. Clients need long to read a reply of many values: positions are
-- separated by spaces or, if they are consecutive, '<first position>*<count>'; a text has many bodies,
-- separated by line breaks. ARGV:
--   1 'newest' or 'oldest': the end to begin at; the records are returned in that order
--   2 the most records
--   3 only records before ('newest') or after ('oldest') this position; '': all
--   4 also return this many first records
--   5 the most bytes of bodies, except that one record is always returned; 0: no limit
--   6 '1': also return the conversation, as conversations.lua does
local direction, limit, bound = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local leading, most = tonumber(ARGV[4]), tonumber(ARGV[5])
if not state then
  return {}
end

local TEXT_RECORDS = 100
local find = string.find

local out = { epoch, cut, 'all', '', '', false }
if ARGV[6] == '1' then
  out[6] = redis.call('HMGET', head, 'state', 'owner', 'title', 'metadata', 'entry')
end
local size = 0

-- Add the bodies of a list of ids; return how many fitted.
local function put_all(ids)
  for from = 1, #ids, TEXT_RECORDS do
    local last = math.min(from + TEXT_RECORDS - 1, #ids)
    local batch = redis.call('HMGET', bodies, unpack(ids, from, last))
    for i = 1, #batch do
      local body = batch[i]
      if not body then
        batch[i] = ''
      else
        size = size + #body
        if find(body, '\n', 1, true) then
          -- Another program wrote it: keep it unreadable.
          batch[i] = string.gsub(body, '\n', '\0')
        end
        if most > 0 and size > most and size > #body then
          out[3] = 'more'
          if i > 1 then
            out[#out + 1] = table.concat(batch, '\n', 1, i - 1)
          end
          return from + i - 2
        end
      end
    end
    out[#out + 1] = table.concat(batch, '\n')
  end
  return #ids
end

-- Add the records that a command returns and return the positions of those that fitted. Positions
-- of neighbours differ by step unless records between them were removed.
local function add(step, requested, ...)
  local ids = redis.call(...)
  if #ids > requested then
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
  local rows, positions = redis.call(unpack(arguments)), {}
  for i = 1, count do
    positions[i] = rows[2 * i]
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
