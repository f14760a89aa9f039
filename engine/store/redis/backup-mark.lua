-- Has every commit note the customers whose state or due entry it changes, until a backup has copied them; said again and again
-- while it copies.
-- The mark is a field of the header, which a commit reads anyway: its end in milliseconds of the server's clock, whose it is, and
-- where to note.
-- KEYS  1 meta (hash), 2 changed customers (set of their states' keys; the name of the header keeps it there)
-- ARGV  1 id of the backup, 2 how long the mark holds, milliseconds, 3 '1': begins, '0': goes on
-- Returns 'marked' | 'busy', when another backup has the partition | 'lost', when something was not noted | 'missing', without header
local call = redis.call
local meta, changed = KEYS[1], KEYS[2]
local stored = call('HMGET', meta, 'seq', 'backup')
if not stored[1] then return 'missing' end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local until_ms, id = (stored[2] or ''):match('^(%d+) (%S+)')
if ARGV[3] == '1' then
  if id and id ~= ARGV[1] and tonumber(until_ms) > now then return 'busy' end
  call('DEL', changed)
  call('SADD', changed, meta)
elseif id ~= ARGV[1] or call('SISMEMBER', changed, meta) == 0 then
  return 'lost'
end
-- What a backup that died leaves behind goes by itself, some time after the commits have stopped to add to it.
call('PEXPIRE', changed, ARGV[2] * 2)
call('HSET', meta, 'backup', string.format('%.0f %s %s', now + ARGV[2], ARGV[1], changed))
return 'marked'
