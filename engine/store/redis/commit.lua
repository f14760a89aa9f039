-- One batch of one partition: all of it or nothing.
-- KEYS  1 meta (hash), 2 outbox (hash), 3.. states (strings)
-- ARGV  1 token, 2 from, 3 to, 4 rest of the header (JSON), 5 number of trimmed seqs, 6 '1' or '0': has an outbox value,
--       then the trimmed seqs, the outbox value if it has one, and an entry for each state (see state-value.ts)
-- Returns 'applied' | 'repeated', when it had been applied | 'fenced' | 'corrupt' | the stored seq, when it is neither from nor to
-- Seqs are compared as text: a Lua number would round them.
local call, pcall, byte = redis.call, redis.pcall, string.byte
local meta, outbox, to = KEYS[1], KEYS[2], ARGV[3]

local stored = call('HMGET', meta, 'token', 'seq')
if stored[1] ~= ARGV[1] then return 'fenced' end
if stored[2] == to then
  -- A repeat. Writing the same seq again makes the WAIT behind it wait for all that was written before.
  call('HSET', meta, 'seq', to)
  return 'repeated'
end
if stored[2] ~= ARGV[2] then return stored[2] or 'corrupt' end

-- A script that fails half-way keeps what it wrote, so every key is looked at before the first write.
if type(pcall('HLEN', outbox)) ~= 'number' then return 'corrupt' end
for i = 3, #KEYS do
  if type(pcall('STRLEN', KEYS[i])) ~= 'number' then return 'corrupt' end
end

local trims = tonumber(ARGV[5])
local entries = 6 + trims + tonumber(ARGV[6])
for i = 3, #KEYS do
  local entry = ARGV[entries + i - 2]
  if byte(entry) % 2 == 1 then call('SET', KEYS[i], entry) else call('APPEND', KEYS[i], entry) end
end
if ARGV[6] == '1' then call('HSET', outbox, to, ARGV[7 + trims]) end
for i = 7, 6 + trims do call('HDEL', outbox, ARGV[i]) end
call('HSET', meta, 'seq', to, 'rest', ARGV[4])
return 'applied'
