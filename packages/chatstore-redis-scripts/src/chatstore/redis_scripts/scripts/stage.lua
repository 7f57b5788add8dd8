-- Store chunk number ARGV[1] of records that are too large for one request, for 10 minutes.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], 600000)
return {}
