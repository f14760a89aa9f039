-- Takes an alias from a customer without a trace, unless it is another's.
-- KEYS  1 alias, see link-alias.lua
-- ARGV  1 customer
-- Returns 1 | 0, when it was not the customer's
local customer = redis.call('HGET', KEYS[1], 'customer')
if customer and customer ~= ARGV[1] then return 0 end
-- Something is written also when it is gone already: of a repeat the WAIT behind it waits for the first one.
redis.call('HSET', KEYS[1], 'at', '0')
redis.call('DEL', KEYS[1])
return customer and 1 or 0
