-- Runs one for each key. The first arguments, common of them, are for all keys.
-- The others are the keys' own, as many for each: at is how many stand before a
-- key's. Where there is one key the reply is what one returns: most often a number,
-- which costs less than a table of one, else a table. Where there are more it is a table
-- of these. It has -1 for a key where one failed, which the others do not suffer from: it
-- is asked for alone then, and says why.
if #KEYS == 1 then
  local a, b, c, d, e, f, g = one(KEYS[1], common)
  return b and {a, b, c, d, e, f, g} or a
end
local replies, parts = {}, (#ARGV - common) / #KEYS
for i = 1, #KEYS do
  local fine, a, b, c, d, e, f, g = pcall(one, KEYS[i], common + (i - 1) * parts)
  if not fine or type(a) == 'table' then
    a, b = -1, nil
  end
  replies[i] = b and {a, b, c, d, e, f, g} or a
end
return replies
