-- Forget the conversation. What calls did is remembered for a while: a late repetition of one
-- must not bring the conversation back.
if not known then
  check_types()
  local writers = last_writers()
  redis.call('DEL', head, order, bodies)
  remember('', writers)
end
return {}
