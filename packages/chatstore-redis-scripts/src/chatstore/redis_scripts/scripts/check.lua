-- Call each command of the other scripts on the keys of a conversation that does not exist, so that
-- a missing permission, a read-only server or full memory shows. Nothing is left behind.
local head, order, bodies = KEYS[1], KEYS[2], KEYS[3]
local later = '32503680000000'
local commands = {
  { 'TIME' },
  { 'HSET', head, 'state', '', 'owner', '' },
  { 'EXISTS', head },
  { 'HEXISTS', head, 'state' },
  { 'HGET', head, 'state' },
  { 'HMGET', head, 'state' },
  { 'HLEN', head },
  { 'HDEL', head, 'owner' },
  { 'PEXPIRE', head, '60000' },
  { 'PEXPIREAT', head, later },
  { 'PERSIST', head },
  { 'HSET', bodies, 'id', '' },
  { 'ZADD', order, '0', 'a', '1', 'b', '2', 'c' },
  { 'ZCARD', order },
  { 'ZRANGE', order, '0', '0' },
  { 'ZRANGEBYSCORE', order, '0', '0' },
  { 'ZREVRANGEBYSCORE', order, '0', '0' },
  { 'ZRANK', order, 'a' },
  { 'ZSCORE', order, 'a' },
  { 'ZREM', order, 'a' },
  { 'ZREMRANGEBYRANK', order, '0', '0' },
}

-- A script's first write shows whether memory is full; this one adds nothing.
redis.call('ZADD', order, 'XX', '0', 'a')
-- Before anything is written that has to be deleted.
redis.call('DEL', head, order, bodies)
for _, command in ipairs(commands) do
  local reply = redis.pcall(unpack(command))
  if type(reply) == 'table' and reply.err then
    redis.call('DEL', head, order, bodies)
    return redis.error_reply(reply.err .. " in the '" .. string.lower(command[1]) .. "' command")
  end
end
redis.call('DEL', head, order, bodies)
return {}
