-- The state of a conversation: '<version of the layout> <epoch> <cut> <next position> <number of
-- messages> <newest position> <revision> <created at> <updated at> <expires at> <refreshed at>
-- <flags>'. Times are in milliseconds since 1970; 0: never. The flags say what the conversation's
-- record has: c: it was created; o: an owner; r: a title or metadata. Without a flag, the
-- conversation goes with its last message.
local STATE = '^1 (%x+) (%x+) (%d+) (%d+) (%d+) (%x+) (%d+) (%d+) (%d+) (%d+) (%a*)$'

-- Return the error of a state that does not match.
local function unreadable(state)
  local version = state and string.match(state, '^(%d+) ')
  return redis.error_reply(version and version ~= '1' and 'CHATSTORE schema' or 'CHATSTORE head')
end
