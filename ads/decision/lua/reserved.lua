-- What is open just now, changing nothing. KEYS: the book. ARGV: now, where the names of caps begin, how they end; an empty end
-- for no viewer. Returns two lists of an ad and a number in turns: of the budgets, and of the viewer's caps.
local now = tonumber(ARGV[1])
local of_budgets, of_caps = {}, {}
local stored = redis.pcall('HGETALL', BOOK)
if stored.err then
  return {of_budgets, of_caps}
end
local epoch
for at = 1, #stored, 2 do
  if stored[at] == 'epoch' then
    epoch = stored[at + 1]
  elseif string.sub(stored[at], 1, 2) == 'r:' then
    of_budgets[#of_budgets + 1] = string.sub(stored[at], 3)
    of_budgets[#of_budgets + 1] = (open_by_minute(stored[at + 1], now))
  end
end
if is_epoch(epoch) and ARGV[3] ~= '' then
  local entries = redis.pcall('HGETALL', ARGV[2] .. epoch .. ARGV[3])
  for at = 1, entries.err and 0 or #entries, 2 do
    local counted, ends = seen(entries[at + 1], now)
    if counted then
      of_caps[#of_caps + 1] = entries[at]
      of_caps[#of_caps + 1] = #ends
    end
  end
end
return {of_budgets, of_caps}
