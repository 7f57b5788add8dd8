-- Remove the record at the index ARGV[2] and return {'removed', position, body}; {} where there is
-- none. A record that may be unreadable is returned as {'doubtful', position, body} and stays,
-- unless ARGV[3] is that body: the caller has read it.
if known then
  local space = string.find(known, ' ', 1, true)
  return { 'removed', string.sub(known, 1, space - 1), string.sub(known, space + 1) }
end
check_types()
local length, index = redis.call('ZCARD', order), tonumber(ARGV[2])
if index < -length or index >= length then
  return {}
end
local id, position = unpack(redis.call('ZRANGE', order, index, index, 'WITHSCORES'))
local body = redis.call('HGET', bodies, id) or ''
local is_sound = string.sub(body, 1, 7) == '{"v":1,'
  and string.sub(redis.sha1hex(string.sub(body, 1, -29)), 1, 12) == string.sub(body, -28, -17)
if not is_sound and body ~= ARGV[3] then
  return { 'doubtful', position, body }
end
if length == 1 then
  redis.call('DEL', head, order, bodies)
else
  redis.call('ZREM', order, id)
  redis.call('HDEL', bodies, id)
  cut, remembers = operation, true
  save()
end
remember(position .. ' ' .. body, { string.sub(body, -#operation) })
return { 'removed', position, body }
