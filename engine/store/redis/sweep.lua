-- Frees the leases that have ended, oldest first.
-- KEYS  1 resource (hash), 2 leases (sorted set); see reserve.lua
-- ARGV  1 now, 2 most leases to free
-- Returns how many were freed
local call = redis.call
local resource, leases = KEYS[1], KEYS[2]
call('HLEN', resource) -- fails, before anything is written, when it is of another type
local ended = call('ZRANGEBYSCORE', leases, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ended) do
  local units = (call('HGET', resource, 'i:' .. id) or 'r1'):sub(2)
  call('ZREM', leases, id)
  if call('HDEL', resource, 'i:' .. id) == 1 then call('HINCRBY', resource, 'reserved', '-' .. units) end
end
return #ended
