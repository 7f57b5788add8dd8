-- Remove the record with the id ARGV[2] and all behind it; return {their number}.
local rank = redis.call('ZRANK', order, ARGV[2])
if not rank then
  remember('0')
  return { '0' }
end
for from = rank, length - 1, CHUNK do
  redis.call('HDEL', bodies, unpack(redis.call('ZRANGE', order, from, from + CHUNK - 1)))
end
redis.call('ZREMRANGEBYRANK', order, rank, -1)
count, memory = rank, string.format('%d', length - rank)
result = { memory }
