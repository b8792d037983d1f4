-- Begin to restore an event's book under a new epoch: until it is whole nobody decides by it, and what is counted meanwhile is
-- counted under the new one. Open reservations stay. ARGV: the new epoch, for how many seconds whoever began before may take, how
-- long the book is kept (seconds).
-- Returns the version that was told of so far, or -1 while somebody else restores.
local known = read(BOOK, 'version', 'building', 'began')
local clock = tonumber(redis.call('TIME')[1])
if known and known[2] and clock - (tonumber(known[3]) or 0) < tonumber(ARGV[2]) then
  return -1
end
local version = known and tonumber(known[1]) or 0
local stored = redis.call('HGETALL', BOOK)
for at = 1, #stored, 2 do
  if string.sub(stored[at], 1, 2) ~= 'r:' then
    redis.call('HDEL', BOOK, stored[at])
  end
end
redis.call('HSET', BOOK, 'version', text(version), 'building', ARGV[1], 'began', clock)
redis.call('EXPIRE', BOOK, ARGV[3])
return version
