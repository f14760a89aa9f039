-- One moment of a partition: its header, its tombstones, and the states that changed since they were copied. They lie in the
-- slot of the other keys, and only the set says which they are.
-- KEYS  1 meta (hash), 2 changed states (set, see backup-mark.lua), 3 tombstones (hash)
-- ARGV  1 id of the backup, 2 most states to return
-- Returns {seq, rest, states' keys, their values (nil: erased), tombstones and their instants} | 'lost', when something was not
-- noted | how many changed, when they are too many
local call = redis.call
local meta, changed = KEYS[1], KEYS[2]
local stored = call('HMGET', meta, 'seq', 'rest', 'backup')
if not stored[3] or stored[3]:match(' (%S+)') ~= ARGV[1] or call('SISMEMBER', changed, meta) == 0 then return 'lost' end
local count = call('SCARD', changed)
if count > tonumber(ARGV[2]) then return count end
local keys = call('SMEMBERS', changed)
local values = call('MGET', unpack(keys))
-- Written again so that the WAIT behind it tells whether this is still the server whose commits count.
call('HSET', meta, 'backup', stored[3])
return {stored[1], stored[2], keys, values, call('HGETALL', KEYS[3])}
