-- Add what one viewer was counted for to the new epoch. KEYS: the book, the viewer's caps. ARGV: the new epoch, when the caps may
-- be forgotten (seconds), then pairs of an ad and a number. Returns 1, or 0 when another restoring began.
local known = read(BOOK, 'building')
if not known or known[1] ~= ARGV[1] then
  return 0
end
for at = 3, #ARGV, 2 do
  local found = redis.call('HGET', KEYS[2], ARGV[at])
  local counted, ends = seen(found, 0)
  redis.call('HSET', KEYS[2], ARGV[at], entry_of(counted + tonumber(ARGV[at + 1]), ends))
end
redis.call('EXPIREAT', KEYS[2], ARGV[2])
return 1
