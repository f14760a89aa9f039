-- Forgets the owner's address when the token is still its.
-- KEYS  1 meta (hash)
-- ARGV  1 token
-- Returns 1 | 0, when another owner has the partition
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'addr', '')
return 1
