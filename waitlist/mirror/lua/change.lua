-- Apply the change that leads to a version. ARGV: the version, the changes as JSON, how many seconds and how many
-- changes may wait for those before them.
local version, changes, seconds, most = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])

if not is_sound() then
  redis.call('UNLINK', unpack(KEYS, 1, PARKED))
end
local stored = version_of(OWN)
if not stored and version == 1 then
  -- Before the first change nobody waits.
  redis.call('UNLINK', unpack(KEYS, 1, PARKED - 1))
  stored = 0
end
if stored and stored >= version then
  return 'known'
end
if not stored or stored < version - 1 then
  redis.call('ZADD', KEYS[PARKED], version, ARGV[1] .. ':' .. changes)
  -- The oldest go first: a rebuild needs those after the version that it read.
  redis.call('ZREMRANGEBYRANK', KEYS[PARKED], 0, -1 - most)
  redis.call('EXPIRE', KEYS[PARKED], seconds)
  return 'parked'
end
invalidate()
apply(cjson.decode(changes))
follow(version)
return 'applied'
