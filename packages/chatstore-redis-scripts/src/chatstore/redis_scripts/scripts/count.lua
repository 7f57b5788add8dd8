-- The number of messages.
return count
