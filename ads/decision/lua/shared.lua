-- The book of an event is KEYS[1]: a hash of version, epoch (or building, while caps are restored), and of each ad
-- (16 bytes) t: billed in all, d: day|billed on it, r: open reservations, minute=number, of those that end by that minute.
-- The caps of a viewer are a hash: of each ad counted;end;end... with the ends of what is open, in milliseconds.
local BOOK = KEYS[1]

local function text(number)
  return string.format('%.0f', number)
end

-- Somebody else wrote here. What is kept is not known any more: it is restored from what was counted.
local function distrust(key)
  redis.pcall('DEL', key)
  redis.pcall('HDEL', BOOK, 'epoch')
end

-- Return a whole number of at most 16 digits (sums of micro-units stay below 2^53); nil for any other text.
local function whole(given)
  return given and #given <= 16 and string.match(given, '^%d+$') and tonumber(given)
end

-- Return the fields, or nil when the key is no hash.
local function read(key, ...)
  local found = redis.pcall('HMGET', key, ...)
  if found.err then
    distrust(key)
    return nil
  end
  return found
end

-- Say whether a text is an epoch that we made.
local function is_epoch(given)
  return given and string.match(given, '^%x+$') and #given == 12
end

-- Return what of a viewer's entry is counted, and a list of the ends that are still to come; nil when it is none.
local function seen(entry, now)
  local ends = {}
  if not entry then
    return 0, ends
  end
  local counted, rest = string.match(entry, '^(%d+)([;%d]*)$')
  if not counted then
    return nil
  end
  for at in string.gmatch(rest, '%d+') do
    if tonumber(at) > now then
      ends[#ends + 1] = at
    end
  end
  return tonumber(counted), ends
end

local function entry_of(counted, ends)
  return text(counted) .. ';' .. table.concat(ends, ';')
end

-- Return how many reservations of an ad are open, and by the minute they end.
local function open_by_minute(stored, now)
  local minutes, sum = {}, 0
  for minute, count in string.gmatch(stored or '', '(%d+)=(%d+)') do
    if tonumber(minute) * 60000 > now then
      minutes[minute] = tonumber(count)
      sum = sum + tonumber(count)
    end
  end
  return sum, minutes
end

local function keep_open(id, minutes)
  local parts = {}
  for minute, count in pairs(minutes) do
    if count > 0 then
      parts[#parts + 1] = minute .. '=' .. text(count)
    end
  end
  if #parts > 0 then
    redis.call('HSET', BOOK, 'r:' .. id, table.concat(parts, ';'))
  else
    redis.call('HDEL', BOOK, 'r:' .. id)
  end
end

local function minute_of(milliseconds)
  return text(math.ceil(milliseconds / 60000))
end

-- Set what an ad was billed. Whoever comes late with an older figure, or an older day, lowers nothing.
local function keep_spent(id, total, day, on_day)
  local stored = redis.call('HMGET', BOOK, 't:' .. id, 'd:' .. id)
  if total > (whole(stored[1]) or -1) then
    redis.call('HSET', BOOK, 't:' .. id, text(total))
  end
  local its_day, its_sum = string.match(stored[2] or '', '^([%d-]+)|(%d+)$')
  if not its_day or day > its_day or (day == its_day and on_day > tonumber(its_sum)) then
    redis.call('HSET', BOOK, 'd:' .. id, day .. '|' .. text(on_day))
  end
end
