-- The number of messages.
return redis.call('ZCARD', order)
