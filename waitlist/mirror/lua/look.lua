-- Say what a session's mirror looks like from outside: both versions, both numbers of entries, and whether every
-- key is of its type.
if not is_sound() then
  return {'', '', 0, 0, 0}
end
local totals = {}
for _, family in ipairs({OWN, PUBLIC}) do
  totals[family] = 0
  for rank = 1, RANKS do
    totals[family] = totals[family] + redis.call('ZCARD', KEYS[family + rank])
  end
end
return {redis.call('GET', KEYS[OWN]) or '', redis.call('GET', KEYS[PUBLIC]) or '', totals[OWN], totals[PUBLIC], 1}
