-- Owner and seq, as the server sees them that takes the writes.
-- KEYS  1 meta (hash)
-- Returns {token | nil, seq | nil}
return redis.call('HMGET', KEYS[1], 'token', 'seq')
