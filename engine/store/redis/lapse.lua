-- Gives the units of an id back.
-- KEYS  1 resource (hash), 2 leases (sorted set); see reserve.lua
-- ARGV  1 id
-- Returns 'lapsed' | 'confirmed' | 'unknown'
local call = redis.call
local resource, leases, field = KEYS[1], KEYS[2], 'i:' .. ARGV[1]
local held = call('HGET', resource, field)
call('ZCARD', leases) -- fails, before anything is written, when it is of another type
if not held then return 'unknown' end
if held:sub(1, 1) == 'c' then return 'confirmed' end
call('HDEL', resource, field)
call('ZREM', leases, ARGV[1])
call('HINCRBY', resource, 'reserved', '-' .. held:sub(2))
return 'lapsed'
