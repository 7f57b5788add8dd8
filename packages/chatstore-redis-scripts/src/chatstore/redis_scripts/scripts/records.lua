-- Records are ids and bodies, alternately, from list[first] on: in ARGV or in staged chunks, which are
-- '<bytes of id> <bytes of body> <id><body>' for each record.
local list = ARGV
if chunks > 0 then
  local parts = {}
  for n = 1, chunks do
    parts[n] = redis.call('HGET', KEYS[6], tostring(n))
    if not parts[n] then
      return redis.error_reply('CHATSTORE staged')
    end
  end
  local text, at = table.concat(parts), 1
  list, first = {}, 1
  while at <= #text do
    local _, stop, id_size, body_size = string.find(text, '^(%d+) (%d+) ', at)
    local body_at = stop + 1 + id_size
    list[#list + 1] = string.sub(text, stop + 1, body_at - 1)
    list[#list + 1] = string.sub(text, body_at, body_at + body_size - 1)
    at = body_at + body_size
  end
end
