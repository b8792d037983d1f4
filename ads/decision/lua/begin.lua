-- Begin to restore an event's book under a new epoch: until it is whole nobody decides by it, and what is counted meanwhile is
-- counted under the new one. What was reserved before is forgotten. ARGV: the new epoch, for how many seconds whoever began before may take, how
-- long the book is kept (seconds), and why, where it is because of an answer of take.lua: that answer. What somebody else
-- restored since then stays, and what was reserved by it.
-- Returns the version that was told of so far, -1 while somebody else restores, or -2 where that answer is not so any more.
local known = read(BOOK, 'version', 'building', 'began', 'epoch')
if known and is_epoch(known[4]) and whole(known[1]) and ARGV[4] ~= '' and ARGV[4] ~= 'v' .. known[1] then
  return -2
end
local clock = tonumber(redis.call('TIME')[1])
local began = known and whole(known[3])
if began and known[2] and began <= clock and clock - began < tonumber(ARGV[2]) then
  return -1
end
local version = known and whole(known[1]) or 0
redis.call('DEL', BOOK)
redis.call('HSET', BOOK, 'version', text(version), 'building', ARGV[1], 'began', clock)
redis.call('EXPIRE', BOOK, ARGV[3])
return version
