-- Remove all records of the conversation, even if its parts do not match. Its own record stays.
-- Positions continue, so that a part restored from an older state cannot match the others.
redis.call('DEL', order, bodies)
epoch, cut, count, newest = request_id, request_id, 0, 0
