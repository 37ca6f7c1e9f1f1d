-- Takes a report once: the order check, the suppression of repeats and the
-- counters are one step, so two processes cannot count it twice.
-- KEYS[1] is the student's hash.
-- ARGV: sid, seq, at, expireAt, live, then type and TTL of each violation
local key = KEYS[1]
local stored = redis.call('HMGET', key, 'sid', 'seq')
if not stored[1] then
  return {'unknown', {}, {}}
end
if stored[1] ~= ARGV[1] then
  return {'replaced', {}, redis.call('HGETALL', key)}
end
if tonumber(ARGV[2]) <= tonumber(stored[2] or '0') then
  return {'repeated', {}, redis.call('HGETALL', key)}
end

local at = tonumber(ARGV[3])
local counted = {}
for i = 6, #ARGV, 2 do
  local violation = ARGV[i]
  local last = redis.call('HGET', key, 'last:' .. violation)
  if not last or at - tonumber(last) >= tonumber(ARGV[i + 1]) then
    redis.call('HINCRBY', key, 'n:' .. violation, 1)
    redis.call('HSET', key, 'last:' .. violation, ARGV[3])
    counted[#counted + 1] = violation
  end
end

redis.call('HSET', key, 'seq', ARGV[2])
if ARGV[5] == '1' then
  redis.call('HSET', key, 'live', '1')
end
redis.call('PEXPIREAT', key, ARGV[4])
return {'counted', counted, redis.call('HGETALL', key)}
