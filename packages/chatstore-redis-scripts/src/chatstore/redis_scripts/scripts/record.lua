-- A conversation's record is five arguments: owner, title, metadata and entry, each '=<text>' or,
-- if it is not set, ''; and 'c' if the conversation was created, or ''.
local FIELDS = { 'owner', 'title', 'metadata', 'entry' }

-- Return whether the conversation has the record that begins at ARGV[first].
local function has_record(first)
  for i, value in ipairs(redis.call('HMGET', head, unpack(FIELDS))) do
    if ARGV[first + i - 1] ~= (value and '=' .. value or '') then
      return false
    end
  end
  return ARGV[first + #FIELDS] == (string.find(flags, 'c', 1, true) and 'c' or '')
end

-- Write the record that begins at ARGV[first]; the state is not saved yet.
local function write_record(first)
  local entry = ARGV[first + 3]
  if redis.call('HGET', head, 'entry') ~= string.sub(entry, 2) then
    refreshed = entry ~= '' and now or 0
  end
  local set, unset = {}, {}
  for i, name in ipairs(FIELDS) do
    local value = ARGV[first + i - 1]
    if value == '' then
      unset[#unset + 1] = name
    else
      set[#set + 1] = name
      set[#set + 1] = string.sub(value, 2)
    end
  end
  if #set > 0 then
    redis.call('HSET', head, unpack(set))
  end
  if #unset > 0 then
    redis.call('HDEL', head, unpack(unset))
  end
  flags = ARGV[first + #FIELDS]
    .. (ARGV[first] ~= '' and 'o' or '')
    .. ((ARGV[first + 1] ~= '' or ARGV[first + 2] ~= '') and 'r' or '')
end
