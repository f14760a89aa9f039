-- One moment of a partition: its header, its tombstones, and the customers that changed since they were copied. Their states lie
-- in the slot of the other keys, and only the set says which they are.
-- KEYS  1 meta (hash), 2 changed customers (set of their states' keys, see backup-mark.lua), 3 tombstones (hash), 4 due (sorted set)
-- ARGV  1 id of the backup, 2 most customers to return, 3 how the keys of states begin
-- Returns {seq, rest, changed customers, their states' values (nil: erased), when something of each is due next (nil: nothing is),
--         tombstones and their instants} | 'lost', when something was not noted | how many changed, when they are too many
local call = redis.call
local meta, changed, due, states = KEYS[1], KEYS[2], KEYS[4], ARGV[3]
local stored = call('HMGET', meta, 'seq', 'rest', 'backup')
if not stored[3] or stored[3]:match(' (%S+)') ~= ARGV[1] or call('SISMEMBER', changed, meta) == 0 then return 'lost' end
local count = call('SCARD', changed)
if count > tonumber(ARGV[2]) then return count end
local keys, customers = {}, {}
for _, key in ipairs(call('SMEMBERS', changed)) do
  -- The header's own name keeps the set there.
  if key:sub(1, #states) == states then
    keys[#keys + 1] = key
    customers[#customers + 1] = key:sub(#states + 1)
  end
end
local values, instants = {}, {}
if #keys > 0 then
  values = call('MGET', unpack(keys))
  instants = call('ZMSCORE', due, unpack(customers))
end
-- Written again so that the WAIT behind it tells whether this is still the server whose commits count.
call('HSET', meta, 'backup', stored[3])
return {stored[1], stored[2], customers, values, instants, call('HGETALL', KEYS[3])}
