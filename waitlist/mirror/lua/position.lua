-- Return the position, counted from 1; 0 when the mirror is of another version or cannot tell; -1 when it is wrong, and then it
-- is not read again until it was made anew. KEYS: our version, our tiers. ARGV: the version and the number of those
-- who wait, by the database; rank, member and score of the one who asks.
local version = redis.pcall('GET', KEYS[1])
if version ~= ARGV[1] then
  return 0
end
local rank, member, score = tonumber(ARGV[3]), ARGV[4], ARGV[5]
local mine = KEYS[2 + rank]
local ahead, waiting = redis.pcall('ZRANK', mine, member), 0
local found = redis.pcall('ZSCORE', mine, member)
local is_right = type(ahead) == 'number' and tonumber(found) == tonumber(score)
for i = 2, 4 do
  local size = redis.pcall('ZCARD', KEYS[i])
  if type(size) ~= 'number' then
    is_right = false
    break
  end
  if is_right and i < 2 + rank then
    ahead = ahead + size
  end
  waiting = waiting + size
end
if is_right and waiting == tonumber(ARGV[2]) then
  -- Where two have one time their ids decide, which only the database can compare: nothing is wrong, but unknown.
  return redis.pcall('ZCOUNT', mine, score, score) == 1 and ahead + 1 or 0
end
redis.pcall('DEL', KEYS[1])
return -1
