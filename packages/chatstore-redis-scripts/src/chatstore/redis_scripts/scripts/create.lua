-- Begin a conversation with the record at ARGV[2], and records; return {its state}, {} if it exists.
if known then
  return { known }
end
if state then
  return {}
end
local list = records(7)
if not list then
  return redis.error_reply('CHATSTORE staged')
end
begin()
write_record(2)
write(list)
return finish(true)
