-- Drops tombstones that are older than anything that could bring their customers back.
-- KEYS  1 tombstones (hash)
-- ARGV  the tombstones
-- Returns how many were there
local dropped = 0
for i = 1, #ARGV do dropped = dropped + redis.call('HDEL', KEYS[1], ARGV[i]) end
return dropped
