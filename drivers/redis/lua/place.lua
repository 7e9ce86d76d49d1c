-- place returns where in the queue a name's entry is.
local function place(name)
  if name == '' then
    return nil
  end
  local at = string.find(queue, name, 1, true)
  while at and (at - 13) % ENTRY ~= 0 do
    at = string.find(queue, name, at + 1, true)
  end
  return at and at - 12
end
