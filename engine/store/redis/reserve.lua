-- Keeps units under an id, never more than there are. Units fit a double exactly (resource.ts bounds them).
-- KEYS  1 resource (hash: capacity, reserved, confirmed, and i:<id> = 'r<amount>' or 'c<amount>'), 2 leases (sorted set: id, end)
-- ARGV  1 id, 2 amount, 3 end of the lease, 4 now, 5 most leases to free
-- Returns 'reserved' | 'not_defined' | the units left, as text, when too few are
local call = redis.call
local resource, leases, field = KEYS[1], KEYS[2], 'i:' .. ARGV[1]
local capacity, reserved, confirmed, held = unpack(call('HMGET', resource, 'capacity', 'reserved', 'confirmed', field))
call('ZCARD', leases) -- fails, before anything is written, when it is of another type
if not capacity then return 'not_defined' end
if held then
  -- A repeat. Writing the same value again makes the WAIT behind it wait for the first one.
  call('HSET', resource, field, held)
  if held:sub(1, 1) == 'r' then call('ZADD', leases, 'GT', ARGV[3], ARGV[1]) end
  return 'reserved'
end

local amount = tonumber(ARGV[2])
local left = tonumber(capacity) - tonumber(reserved or 0) - tonumber(confirmed or 0)
if left < amount then
  for _, id in ipairs(call('ZRANGEBYSCORE', leases, '-inf', ARGV[4], 'LIMIT', 0, ARGV[5])) do
    if left >= amount then break end
    local units = (call('HGET', resource, 'i:' .. id) or 'r1'):sub(2)
    call('ZREM', leases, id)
    if call('HDEL', resource, 'i:' .. id) == 1 then
      call('HINCRBY', resource, 'reserved', '-' .. units)
      left = left + tonumber(units)
    end
  end
end
if left < amount then return string.format('%.0f', math.max(0, left)) end
call('HSET', resource, field, 'r' .. ARGV[2])
call('HINCRBY', resource, 'reserved', ARGV[2])
call('ZADD', leases, ARGV[3], ARGV[1])
return 'reserved'
