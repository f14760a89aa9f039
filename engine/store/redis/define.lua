-- Says how many units a resource has. Reservations stay as they are.
-- KEYS  1 resource (hash)
-- ARGV  1 capacity
-- Returns 1
redis.call('HSET', KEYS[1], 'capacity', ARGV[1])
return 1
