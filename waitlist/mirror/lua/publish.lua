-- Put a mirror that was built beside in the place of the present one. Further KEYS: 10-12 our tiers, 13-15 the
-- public ones. ARGV: the version that was read, and how many entries each tier has.
local version = tonumber(ARGV[1])
local BUILT = PARKED + 1

local function drop_built()
  redis.call('UNLINK', unpack(KEYS, BUILT, BUILT + 2 * RANKS - 1))
end

if not is_sound() then
  redis.call('UNLINK', unpack(KEYS, 1, PARKED))
end
local stored = version_of(OWN)
if stored and stored > version then
  -- Another one was faster, and read later.
  drop_built()
  return 'newer'
end
for i = 0, 2 * RANKS - 1 do
  if redis.call('ZCARD', KEYS[BUILT + i]) ~= tonumber(ARGV[2 + i % RANKS]) then
    -- Expired or flushed while it was built.
    drop_built()
    return 'incomplete'
  end
end
invalidate()
for i = 0, 2 * RANKS - 1 do
  local place = KEYS[(i < RANKS and OWN or PUBLIC) + 1 + i % RANKS]
  -- Freed in the background; a rename over it would free it here, while everybody waits.
  redis.call('UNLINK', place)
  if redis.call('EXISTS', KEYS[BUILT + i]) == 1 then
    redis.call('RENAME', KEYS[BUILT + i], place)
    redis.call('PERSIST', place)
  end
end
follow(version)
return 'published'
