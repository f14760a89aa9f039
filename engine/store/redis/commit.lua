-- One batch of one partition: all of it or nothing.
-- KEYS  1 meta (hash), 2 outbox (hash), 3 tombstones (hash), 4.. states (strings)
-- ARGV  1 token, 2 from, 3 to, 4 rest of the header (JSON), 5 instant of this clock from which on it is not applied, in
--       milliseconds (empty: none), 6 number of trimmed seqs, 7 '1' or '0': has an outbox value,
--       then the trimmed seqs, the outbox value if it has one, an entry for each state (see state-value.ts; empty: the customer
--       is erased), and a tombstone and its instant for each customer that is erased
-- Returns 'applied' | 'repeated', when it had been applied | 'fenced' | 'expired' | 'corrupt' | the stored seq, when it is neither from nor to
-- Seqs are compared as text: a Lua number would round them.
local KEYS, ARGV = KEYS, ARGV
local call, pcall, byte, type = redis.call, redis.pcall, string.byte, type
local meta, outbox, to = KEYS[1], KEYS[2], ARGV[3]

local stored = call('HMGET', meta, 'token', 'seq', 'backup')
if stored[1] ~= ARGV[1] then return 'fenced' end
if stored[2] == to then
  -- A repeat. Writing the same seq again makes the WAIT behind it wait for all that was written before.
  call('HSET', meta, 'seq', to)
  return 'repeated'
end
if stored[2] ~= ARGV[2] then return stored[2] or 'corrupt' end
local not_after = tonumber(ARGV[5])
if not_after then
  local time = call('TIME')
  if time[1] * 1000 + time[2] / 1000 > not_after then return 'expired' end
end
if type(pcall('HLEN', outbox)) ~= 'number' then return 'corrupt' end
if type(pcall('HLEN', KEYS[3])) ~= 'number' then return 'corrupt' end

-- A script that fails half-way keeps what it wrote. A state can fail only by being of another type (or, the first one, for want
-- of memory, which is looked at once a script); then the states before it are put back. To look at the type of each first would
-- cost a call a state, a fifth of the whole commit.
local before = {}
local function put_back(last)
  for i = last, 4, -1 do
    local value = before[i]
    if type(value) == 'number' then value = value > 0 and call('GETRANGE', KEYS[i], 0, value - 1) end
    if value then call('SET', KEYS[i], value) else call('DEL', KEYS[i]) end
  end
end

local trims = tonumber(ARGV[6])
local entries = 4 + trims + tonumber(ARGV[7])
for i = 4, #KEYS do
  local key, entry = KEYS[i], ARGV[entries + i]
  local done
  if entry ~= '' and byte(entry) % 2 == 0 then
    done = pcall('APPEND', key, entry)
    if type(done) == 'number' then before[i] = done - #entry end
  else
    done = pcall('GET', key)
    if type(done) ~= 'table' then
      before[i] = done
      done = entry == '' and pcall('DEL', key) or pcall('SET', key, entry)
    end
  end
  if type(done) == 'table' and done.err then
    put_back(i - 1)
    return done
  end
end

if stored[3] and #KEYS > 3 then
  -- A backup copies this partition (backup-mark.lua) and has to read these states again. One that has let its mark run out is
  -- told nothing more. The set's name comes with the mark: one more key would cost every commit of all other times.
  local until_ms, changed = stored[3]:match('^(%d+) %S+ (.*)$')
  local time = call('TIME')
  local holds = time[1] * 1000 + time[2] / 1000 < (tonumber(until_ms) or 0)
  if not holds or type(pcall('SADD', changed, unpack(KEYS, 4))) ~= 'number' then call('HDEL', meta, 'backup') end
end

if ARGV[7] == '1' then call('HSET', outbox, to, ARGV[8 + trims]) end
for i = 8, 7 + trims do call('HDEL', outbox, ARGV[i]) end
for i = entries + #KEYS + 1, #ARGV, 2 do call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
call('HSET', meta, 'seq', to, 'rest', ARGV[4])
return 'applied'
