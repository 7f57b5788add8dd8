-- Read the record with the id ARGV[1], and reply as read.lua does.
if not state then
  return {}
end
local position = redis.call('ZSCORE', order, ARGV[1])
if not position then
  return { epoch, cut, 'all', '', '', false }
end
local body = redis.call('HGET', bodies, ARGV[1]) or ''
-- Another program wrote a line break: keep it unreadable.
return { epoch, cut, 'all', '', position, false, (string.gsub(body, '\n', '\0')) }
