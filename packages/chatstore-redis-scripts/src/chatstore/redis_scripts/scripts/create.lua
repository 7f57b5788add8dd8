-- Begin a conversation with the record at ARGV[2], and records; return {its state}, {} if it exists.
if state then
  return {}
end
write_record(2)
returns_state = true
