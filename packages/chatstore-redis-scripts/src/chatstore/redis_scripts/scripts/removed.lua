-- Records were removed.
cut, newest = request_id, tonumber(redis.call('ZRANGE', order, -1, -1, 'WITHSCORES')[2] or 0)
