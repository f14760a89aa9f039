-- Takes a partition; from here on the owner before can commit nothing. A header that is missing is never made.
-- KEYS  1 meta (hash)
-- ARGV  1 token, 2 addr
-- Returns {seq, rest} | nil, when there is no header
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'addr', ARGV[2])
return redis.call('HMGET', KEYS[1], 'seq', 'rest')
