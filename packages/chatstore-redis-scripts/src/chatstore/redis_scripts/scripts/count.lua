-- Return the number of messages.
return count
