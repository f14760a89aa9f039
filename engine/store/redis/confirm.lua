-- Takes the units of an id for good; makes a reservation that is missing again, whatever is left.
-- KEYS  1 resource (hash), 2 leases (sorted set); see reserve.lua
-- ARGV  1 id, 2 amount, when nothing is reserved under the id
-- Returns {capacity | nil, reserved | nil, confirmed}
local call = redis.call
local resource, leases, field = KEYS[1], KEYS[2], 'i:' .. ARGV[1]
local held = call('HGET', resource, field)
call('ZCARD', leases) -- fails, before anything is written, when it is of another type
if held and held:sub(1, 1) == 'c' then
  -- A repeat, see reserve.lua.
  call('HSET', resource, field, held)
else
  local units = held and held:sub(2) or ARGV[2]
  call('HSET', resource, field, 'c' .. units)
  call('HINCRBY', resource, 'confirmed', units)
  if held then
    call('HINCRBY', resource, 'reserved', '-' .. units)
    call('ZREM', leases, ARGV[1])
  end
end
return call('HMGET', resource, 'capacity', 'reserved', 'confirmed')
