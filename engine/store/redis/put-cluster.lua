-- Writes the installation's record in place of the one that was read.
-- KEYS  1 cluster (string)
-- ARGV  1 the new record, 2 the record that was read; left out: there was none
-- Returns 1 | 0, when another one is stored
if redis.call('GET', KEYS[1]) ~= (ARGV[2] or false) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
