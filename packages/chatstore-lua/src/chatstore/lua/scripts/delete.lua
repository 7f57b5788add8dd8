-- Forget the conversation. What calls did is remembered for a while: a late repetition of one
-- must not bring the conversation back.
if not known then
  redis.call('DEL', head, order, bodies)
  remember('')
end
return {}
