-- Tell the version of an event's ads; a later one that is known stays. ARGV: version, how long the book is kept (seconds).
local known = read(BOOK, 'version')
if not known or tonumber(ARGV[1]) > (whole(known[1]) or 0) then
  redis.call('HSET', BOOK, 'version', ARGV[1])
end
redis.call('EXPIRE', BOOK, ARGV[2])
return redis.call('HGET', BOOK, 'version')
