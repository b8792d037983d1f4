-- End restoring: set what was billed, then let decisions go by the new epoch. ARGV: the new epoch, the version that the database
-- has, the one that was told of before the database was asked; then of each ad four: it, billed in all, the day, billed on it.
-- A version told of before that is above the database's is of another history of the database, and goes.
-- Returns 1, or 0 when another restoring began.
local known = read(BOOK, 'building', 'version')
if not known or known[1] ~= ARGV[1] then
  return 0
end
local told, true_one, before = whole(known[2]) or 0, tonumber(ARGV[2]), tonumber(ARGV[3])
if true_one > told or (told == before and true_one < before) then
  redis.call('HSET', BOOK, 'version', ARGV[2])
end
for at = 4, #ARGV, 4 do
  keep_spent(ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3]))
end
redis.call('HSET', BOOK, 'epoch', ARGV[1])
redis.call('HDEL', BOOK, 'building', 'began')
return 1
