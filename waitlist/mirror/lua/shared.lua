-- KEYS of every script that follows: 1 our version, 2-4 our tiers, 5 the public version, 6-8 the public tiers,
-- 9 changes that came too early, by version.
local OWN, PUBLIC, PARKED = 1, 5, 9
local RANKS = 3

-- Is each key of the type that it should be? Anything else was put there by somebody else.
local function is_sound()
  for i = 1, PARKED do
    local wanted = (i == OWN or i == PUBLIC) and 'string' or 'zset'
    local found = redis.call('TYPE', KEYS[i])['ok']
    if found ~= 'none' and found ~= wanted then
      return false
    end
  end
  return true
end

local function version_of(family)
  local stored = redis.call('GET', KEYS[family])
  return stored and string.match(stored, '^%d+$') and tonumber(stored)
end

-- Without its version a mirror is not read. So whatever fails halfway leaves none that is wrong.
local function invalidate()
  redis.call('DEL', KEYS[OWN], KEYS[PUBLIC])
end

local function apply(changes)
  for _, change in ipairs(changes) do
    local rank, member, score = change[1], change[2], change[3]
    for _, family in ipairs({OWN, PUBLIC}) do
      local key = KEYS[family + 1 + rank]
      if score then
        redis.call('ZADD', key, score, member)
      else
        redis.call('ZREM', key, member)
      end
    end
  end
end

-- Apply the changes that came early and follow this version without a gap, and put the version reached.
local function follow(version)
  while true do
    local found = redis.call('ZRANGEBYSCORE', KEYS[PARKED], version + 1, version + 1, 'LIMIT', 0, 1)[1]
    if not found then
      break
    end
    local is_ours, changes = pcall(cjson.decode, string.match(found, '^%d+:(.*)$'))
    if not is_ours then
      break
    end
    apply(changes)
    version = version + 1
  end
  redis.call('ZREMRANGEBYSCORE', KEYS[PARKED], '-inf', version)
  redis.call('SET', KEYS[OWN], string.format('%.0f', version))
  redis.call('SET', KEYS[PUBLIC], string.format('%.0f', version))
end
