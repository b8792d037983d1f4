-- Decide which ads, in the order given, may be shown, and reserve them: one look at everything, one change.
-- KEYS: the book; the viewer's caps, but for a viewer who has none. ARGV: epoch and version that the caller knows, now, the
-- end of what is reserved (milliseconds), how many are wanted, the local day, when the caps may be forgotten (seconds), whether
-- what is taken is reserved (1); then the ads, see ads/decision/pool.py.
-- Returns what became of each ad that was looked at, a letter each after a colon: t taken, c capped, b total budget spent,
-- d daily budget spent, p paced. Else, and then nothing is reserved: v and the version there is, e and the epoch there
-- is, m where caps are missing.
local CAPS = KEYS[2]
local now, ends_at, wanted, day = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local reserves = ARGV[8] == '1'

local known = read(BOOK, 'epoch', 'version')
local version, mine = known and whole(known[2]), tonumber(ARGV[2])
if not version or not is_epoch(known[1]) then
  return 'm'
end
if version > mine then
  return 'v' .. text(version)
end
if known[1] ~= ARGV[1] then
  return 'e' .. known[1]
end
if version < mine then
  redis.call('HSET', BOOK, 'version', ARGV[2])
end

-- Return the letter of what holds a budget back, or nil, and the open reservations by minute; m for figures that are none.
local function held_back(id, terms)
  local need, cost, total, daily, paced, from, length = unpack(terms)
  local stored = redis.call('HMGET', BOOK, 't:' .. id, 'd:' .. id, 'r:' .. id)
  local billed = whole(stored[1] or '0')
  local its_day, its_sum = string.match(stored[2] or '', '^([%d-]+)|(%d+)$')
  if not billed or (stored[2] and not whole(its_sum)) then
    return 'm', {}
  end
  local today = its_day == day and whole(its_sum) or 0
  local open, minutes = open_by_minute(stored[3], now)
  local more = open * cost + need
  if total >= 0 and billed + more > total then
    return 'b', minutes
  end
  if daily >= 0 and today + more > daily then
    return 'd', minutes
  end
  if paced >= 0 then
    local passed = math.min(1, math.max(0, now - from) / length)
    local spent = daily >= 0 and today or billed
    if spent + more > math.max(need, math.floor(paced * passed)) then
      return 'p', minutes
    end
  end
  return nil, minutes
end

local letters, taken, changed = {}, 0, {}
for at = 9, #ARGV do
  if taken == wanted then
    break
  end
  local id, terms = string.sub(ARGV[at], 1, 16), {}
  for number in string.gmatch(string.sub(ARGV[at], 17), '-?%d+') do
    terms[#terms + 1] = tonumber(number)
  end
  local cap = table.remove(terms, 1)
  local letter, counted, open = 't', 0, {}
  if CAPS then
    local found = read(CAPS, id)
    if found then
      counted, open = seen(found[1], now)
    end
    if not found or not counted then
      distrust(CAPS)
      return 'm'
    end
    if counted + #open >= cap then
      letter = 'c'
    end
  end
  local minutes
  if letter == 't' and #terms > 0 then
    local held
    held, minutes = held_back(id, terms)
    if held == 'm' then
      redis.call('HDEL', BOOK, 'epoch')
      return 'm'
    end
    letter = held or 't'
  end
  if letter == 't' then
    taken = taken + 1
    if CAPS and reserves then
      open[#open + 1] = ARGV[4]
      changed[#changed + 1] = id
      changed[#changed + 1] = entry_of(counted, open)
    end
    if minutes and reserves and terms[2] > 0 then
      local minute = minute_of(ends_at)
      minutes[minute] = (minutes[minute] or 0) + 1
      keep_open(id, minutes)
    end
  end
  letters[#letters + 1] = letter
end
if #changed > 0 then
  redis.call('HSET', CAPS, unpack(changed))
  redis.call('EXPIREAT', CAPS, ARGV[7])
end
return ':' .. table.concat(letters)
