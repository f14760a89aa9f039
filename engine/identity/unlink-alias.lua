-- Takes an alias from a customer, and remembers when, so that an older link changes nothing.
-- KEYS  1 alias, see link-alias.lua
-- ARGV  1 customer, 2 at, 3 for how long that is remembered, milliseconds
-- Returns {'done', stamp of the link | nil, when there was none} | {'taken'} | {'stale'}
local customer, at, stamp = unpack(redis.call('HMGET', KEYS[1], 'customer', 'at', 'stamp'))
if customer and customer ~= ARGV[1] then return {'taken'} end
local isOlder = at and tonumber(at) > tonumber(ARGV[2])
if isOlder and customer then return {'stale'} end
redis.call('HDEL', KEYS[1], 'customer', 'stamp')
redis.call('HSET', KEYS[1], 'at', isOlder and at or ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'done', stamp}
