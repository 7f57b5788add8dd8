-- The end of scripts that change a conversation: save it, remember the request, and reply.
if chunks > 0 then
  redis.call('DEL', KEYS[6])
end
if count == 0 and flags == '' and not returns_state then
  redis.call('DEL', head, order, bodies) -- its record does not outlast its messages
else
  local did_expire = expires ~= '0'
  expires = ttl ~= '' and now + ttl or 0
  if string.find(flags, 'o', 1, true) and math.abs(now - refreshed) >= REFRESH_AFTER then
    refreshed, is_due = now, true
  end
  state = string.format('1 %s %s %d %d %d %s %d %d %d %d %s', epoch, cut, next_position, count,
    newest, request_id, created, math.max(now, updated), expires, refreshed, flags)
  redis.call('HSET', head, 'state', state)
  if expires > 0 then
    -- one deadline for all keys: before Redis 7, each PEXPIRE would read the clock again
    local deadline = string.format('%d', expires)
    redis.call('PEXPIREAT', head, deadline)
    redis.call('PEXPIREAT', order, deadline)
    redis.call('PEXPIREAT', bodies, deadline)
  elseif did_expire then
    redis.call('PERSIST', head)
    redis.call('PERSIST', order)
    redis.call('PERSIST', bodies)
  end
end
if returns_state then
  result, memory = { state }, state
end
remember(memory)
return answer(result)
