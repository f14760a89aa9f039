-- Drops notes of a customer that was forgotten.
-- KEYS  1 aliases of the customer, see note-alias.lua
-- ARGV  the aliases
-- Returns how many were there
local dropped = 0
for i = 1, #ARGV do dropped = dropped + redis.call('HDEL', KEYS[1], ARGV[i]) end
return dropped
