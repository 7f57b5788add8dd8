-- Delete the conversation, even if its parts do not match.
if not known then
  redis.call('DEL', head, order, bodies)
  remember('')
end
return {}
