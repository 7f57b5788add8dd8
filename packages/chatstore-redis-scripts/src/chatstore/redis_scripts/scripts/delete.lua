-- Forget the conversation, also one whose parts do not agree.
if not known then
  redis.call('DEL', head, order, bodies)
  remember('')
end
return {}
