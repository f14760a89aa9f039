-- Notes that a customer has, or is about to have, an alias.
-- KEYS  1 aliases of the customer (hash: alias = stamp of the link; `!` when the customer was forgotten)
-- ARGV  1 alias, 2 stamp, 3 most aliases of a customer
-- Returns 'noted' | 'forgotten' | 'full'
if redis.call('HEXISTS', KEYS[1], '!') == 1 then return 'forgotten' end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 'noted'
