-- Scripts that read or extend a conversation need all its parts.
if damaged then
  return redis.error_reply('CHATSTORE parts')
end
