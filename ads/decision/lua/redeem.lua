-- What was reserved is counted. KEYS: the book; then of each event the caps of the day that its token was issued, and of the
-- day that it counts on. ARGV: the epoch of these keys, now; then of each event eight: the ad, whether caps change (1) and
-- whether a reservation ends (1), the end of what was reserved (milliseconds), when the caps may be forgotten (seconds), what was billed
-- in all, the day, what was billed on it (-1: the ad is not billed).
-- Returns an empty text when done, else the epoch there is, or '-' where there is none: then nothing was changed.
local known = read(BOOK, 'epoch', 'building')
local epoch = known and (known[1] or known[2])
if not is_epoch(epoch) then
  return '-'
end
if epoch ~= ARGV[1] then
  return epoch
end
local now = tonumber(ARGV[2])

local function drop(key, id, at)
  local found = read(key, id)
  local counted, ends = seen(found and found[1], now)
  if not found or not counted then
    return false
  end
  for i = 1, #ends do
    if ends[i] == at then
      table.remove(ends, i)
      redis.call('HSET', key, id, entry_of(counted, ends))
      break
    end
  end
  return true
end

local function count(key, id, until_at)
  local found = read(key, id)
  local counted, ends = seen(found and found[1], now)
  if not found or not counted then
    return false
  end
  redis.call('HSET', key, id, entry_of(counted + 1, ends))
  redis.call('EXPIREAT', key, until_at)
  return true
end

for item = 0, (#ARGV - 2) / 8 - 1 do
  local id, caps, ends, at, until_at, total, day, on_day = unpack(ARGV, 3 + item * 8, 10 + item * 8)
  if caps == '1' then
    local issued_on, counts_on = KEYS[2 + item * 2], KEYS[3 + item * 2]
    if not drop(issued_on, id, at) or not count(counts_on, id, until_at) then
      distrust(issued_on)
      distrust(counts_on)
    end
  end
  if ends == '1' then
    local _, minutes = open_by_minute(redis.call('HGET', BOOK, 'r:' .. id), now)
    local minute = minute_of(tonumber(at))
    if minutes[minute] then
      minutes[minute] = minutes[minute] - 1
      keep_open(id, minutes)
    end
  end
  if tonumber(total) >= 0 then
    keep_spent(id, tonumber(total), day, tonumber(on_day))
  end
end
return ''
