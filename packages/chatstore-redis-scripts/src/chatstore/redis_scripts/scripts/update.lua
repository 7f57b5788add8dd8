-- Change the conversation's record from the one at ARGV[2] to the one at ARGV[7]; return {its state},
-- {} if it does not exist or has another record.
if known then
  return answer({ known })
end
if not state or not has_record(2) then
  return {}
end
local current = conflict()
if current then
  return current
end
write_record(7)
save()
remember(state)
return answer({ state })
