-- Makes the header of a partition, owned by nobody; one that is there stays as it is.
-- KEYS  1 meta (hash)
-- ARGV  1 rest of the header (JSON), 2 seq; left out: 0
-- Returns 1 | 0, when it was there
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'token', '', 'addr', '', 'seq', ARGV[2] or '0', 'rest', ARGV[1])
return 1
