-- Change the conversation's record from the one at ARGV[2] to the one at ARGV[7]; return {its state},
-- {} if it does not exist or has another record.
if not state or not has_record(2) then
  return {}
end
if conflict then
  return conflict
end
write_record(7)
returns_state = true
