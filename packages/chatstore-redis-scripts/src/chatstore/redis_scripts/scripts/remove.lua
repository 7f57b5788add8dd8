-- Remove the record at the index ARGV[2] and return {'removed', position, body}; {} if the index is
-- out of range. A record that may be damaged is returned as {'unchecked', position, body} and stays,
-- unless ARGV[3] is its body: then the caller has checked it.
if known then
  local space = string.find(known, ' ', 1, true)
  if not space then
    return {}
  end
  return { 'removed', string.sub(known, 1, space - 1), string.sub(known, space + 1) }
end
local index = tonumber(ARGV[2])
if index < -length or index >= length then
  remember('')
  return {}
end
local id, position = unpack(redis.call('ZRANGE', order, index, index, 'WITHSCORES'))
local body = redis.call('HGET', bodies, id) or ''
local is_readable = string.sub(body, 1, 7) == '{"v":1,'
  and string.sub(redis.sha1hex(string.sub(body, 1, -13)), 1, 12) == string.sub(body, -12)
if not is_readable and body ~= ARGV[3] then
  return { 'unchecked', position, body }
end
if length == 1 then
  redis.call('DEL', head, order, bodies)
else
  redis.call('ZREM', order, id)
  redis.call('HDEL', bodies, id)
  cut, count = request_id, count - 1
  if tonumber(position) == newest then
    newest = tonumber(redis.call('ZRANGE', order, -1, -1, 'WITHSCORES')[2])
  end
  save()
end
remember(position .. ' ' .. body)
return { 'removed', position, body }
