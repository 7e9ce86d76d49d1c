-- Runs one for each key. The first arguments, common of them, are for all keys.
-- The others are the keys' own, as many for each: at is how many stand before a
-- key's. Where there is one key the reply is what one returns: most often a number,
-- which costs less than a table of one. Else it is width numbers of each, one behind
-- the other; the first is -1 where one failed, which the others do not suffer from: it
-- is asked for alone then, and says why.
if #KEYS == 1 then
  local a, b, c, d = one(KEYS[1], common)
  return b and {a, b, c, d} or a
end
local replies, parts = {}, (#ARGV - common) / #KEYS
for i = 1, #KEYS do
  local fine, a, b, c, d = pcall(one, KEYS[i], common + (i - 1) * parts)
  if not fine or type(a) == 'table' then
    a, b, c, d = -1, 0, 0, 0
  end
  local at = (i - 1) * width
  replies[at + 1] = a
  if width == 4 then
    replies[at + 2], replies[at + 3], replies[at + 4] = b or 0, c or 0, d or 0
  end
end
return replies
