-- Replace the body of the record with the same id; a new record is appended. If ARGV[2] is 'end', the
-- existing record is moved behind all others.
if redis.call('HEXISTS', bodies, list[first]) == 1 then
  -- A read that takes several scripts must not see both bodies.
  cut = request_id
  if ARGV[2] == 'end' then
    count = count - 1
  else
    redis.call('HSET', bodies, list[first], list[first + 1])
    first = #list + 1
  end
end
