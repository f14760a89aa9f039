-- Gives an alias to a customer, unless another one has it or it was taken away later than this. Instants fit a double exactly.
-- KEYS  1 alias (hash: customer and stamp, absent when it is nobody's any more; at)
-- ARGV  1 customer, 2 at, 3 stamp
-- Returns 'done' | 'taken' | 'stale'
local customer, at = unpack(redis.call('HMGET', KEYS[1], 'customer', 'at'))
if customer and customer ~= ARGV[1] then return 'taken' end
local isOlder = at and tonumber(at) > tonumber(ARGV[2])
if isOlder and not customer then return 'stale' end
redis.call('HSET', KEYS[1], 'customer', ARGV[1], 'at', isOlder and at or ARGV[2], 'stamp', ARGV[3])
redis.call('PERSIST', KEYS[1])
return 'done'
