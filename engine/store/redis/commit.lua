-- One batch of one partition: all of it or nothing.
-- KEYS  1 meta (hash), 2 outbox (hash), 3 tombstones (hash), 4 due (sorted set: customer ids by instant), 5.. states (strings)
-- ARGV  1 token, 2 from, 3 to, 4 rest of the header (JSON), 5 instant of this clock from which on it is not applied, in
--       milliseconds (empty: none), 6 number of trimmed seqs, 7 '1' or '0': has an outbox value, 8 number of customers whose due
--       entries go (those of erased ones are among them), 9 number of arguments for those that are set, 10 how the keys of states begin,
--       for a backup that runs (may be empty when 8 and 9 are 0),
--       then the trimmed seqs, the outbox value if it has one, an entry for each state (see state-value.ts; empty: the customer
--       is erased), a tombstone and its instant for each customer that is erased, the customers whose due entries go, and an
--       instant and a customer for each due entry that is set. A customer is named at most once among the last two
-- Returns 'applied' | 'repeated', when it had been applied | 'fenced' | 'expired' | 'corrupt' | the stored seq, when it is neither from nor to
-- Seqs are compared as text: a Lua number would round them.
local KEYS, ARGV = KEYS, ARGV
local call, pcall, byte, type = redis.call, redis.pcall, string.byte, type
local meta, outbox, due, to = KEYS[1], KEYS[2], KEYS[4], ARGV[3]

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
local removed, set = tonumber(ARGV[8]), tonumber(ARGV[9])
-- Behind all other arguments.
local dues = #ARGV - removed - set
if dues < #ARGV and type(pcall('ZCARD', due)) ~= 'number' then return 'corrupt' end

-- A script that fails half-way keeps what it wrote. A state can fail only by being of another type (or, the first one, for want
-- of memory, which is looked at once a script); then the states before it are put back. To look at the type of each first would
-- cost a call a state, a fifth of the whole commit.
local before = {}
local function put_back(last)
  for i = last, 5, -1 do
    local value = before[i]
    if type(value) == 'number' then value = value > 0 and call('GETRANGE', KEYS[i], 0, value - 1) end
    if value then call('SET', KEYS[i], value) else call('DEL', KEYS[i]) end
  end
end

local trims = tonumber(ARGV[6])
local entries = 6 + trims + tonumber(ARGV[7])
for i = 5, #KEYS do
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

-- Takes so many arguments at a time as a call may have; the number is even, so that pairs stay whole.
local function in_turns(command, key, values, from, last)
  for i = from, last, 4000 do call(command, key, unpack(values, i, math.min(i + 3999, last))) end
end

-- First what needs memory, so that a commit without states is refused here or not at all.
in_turns('ZADD', due, ARGV, dues + removed + 1, #ARGV)
in_turns('ZREM', due, ARGV, dues + 1, dues + removed)

if stored[3] and (#KEYS > 4 or dues < #ARGV) then
  -- A backup copies this partition (backup-mark.lua) and has to read these customers again. One that has let its mark run out is
  -- told nothing more. The set's name comes with the mark: one more key would cost every commit of all other times.
  local until_ms, changed = stored[3]:match('^(%d+) %S+ (.*)$')
  local time = call('TIME')
  local holds = time[1] * 1000 + time[2] / 1000 < (tonumber(until_ms) or 0)
  if not holds or type(pcall('SCARD', changed)) ~= 'number' then
    call('HDEL', meta, 'backup')
  else
    local names = {}
    for i = dues + 1, dues + removed do names[#names + 1] = ARGV[10] .. ARGV[i] end
    for i = dues + removed + 2, #ARGV, 2 do names[#names + 1] = ARGV[10] .. ARGV[i] end
    in_turns('SADD', changed, KEYS, 5, #KEYS)
    in_turns('SADD', changed, names, 1, #names)
  end
end

if ARGV[7] == '1' then call('HSET', outbox, to, ARGV[11 + trims]) end
for i = 11, 10 + trims do call('HDEL', outbox, ARGV[i]) end
for i = entries + #KEYS + 1, dues, 2 do call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
call('HSET', meta, 'seq', to, 'rest', ARGV[4])
return 'applied'
