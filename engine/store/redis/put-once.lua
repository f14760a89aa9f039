-- Keeps a value for ever under a name that tells its content.
-- KEYS  1 string
-- ARGV  1 value
-- Returns 1 | 0, when it was there
return redis.call('SET', KEYS[1], ARGV[1], 'NX') and 1 or 0
