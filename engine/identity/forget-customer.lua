-- From here on the customer gets no alias.
-- KEYS  1 aliases of the customer, see note-alias.lua
-- ARGV  1 for how long that is remembered, milliseconds
-- Returns the aliases that were noted
redis.call('HSET', KEYS[1], '!', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[1])
local aliases = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if field ~= '!' then aliases[#aliases + 1] = field end
end
return aliases
