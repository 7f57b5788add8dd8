-- Remove a record and return {'removed', position, body}; {} if there is none. ARGV[2] is 'index' or
-- 'id', and ARGV[3] the index or the id. A record is returned as {'unchecked', position, body} and
-- stays if its body does not begin with ARGV[5], as another version's may, or if it may be damaged;
-- unless ARGV[4] is its body: then the caller has checked it.
if known then
  local space = string.find(known, ' ', 1, true)
  if not space then
    return {}
  end
  return answer({ 'removed', string.sub(known, 1, space - 1), string.sub(known, space + 1) })
end
local id, position
if ARGV[2] == 'id' then
  id, position = ARGV[3], redis.call('ZSCORE', order, ARGV[3])
else
  local index = tonumber(ARGV[3])
  if index >= -length and index < length then
    id, position = unpack(redis.call('ZRANGE', order, index, index, 'WITHSCORES'))
  end
end
if not position then
  remember('')
  return {}
end
local body = redis.call('HGET', bodies, id) or ''
local is_readable = string.sub(body, 1, #ARGV[5]) == ARGV[5]
  and string.sub(redis.sha1hex(string.sub(body, 1, -13)), 1, 12) == string.sub(body, -12)
if not is_readable and body ~= ARGV[4] then
  return { 'unchecked', position, body }
end
redis.call('ZREM', order, id)
redis.call('HDEL', bodies, id)
count, memory = count - 1, position .. ' ' .. body
result = { 'removed', position, body }
