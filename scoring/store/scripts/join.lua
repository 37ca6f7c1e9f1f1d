-- Gives a device the session. KEYS[1] is the student's hash.
-- ARGV: device, sid, at, expireAt, floor, force
local key = KEYS[1]
local stored = redis.call('HMGET', key, 'sid', 'device', 'gen')
local sid, device = stored[1], stored[2]
local generation = math.max(tonumber(stored[3] or '0'), tonumber(ARGV[5]))

local resumes = sid and device == ARGV[1]
if ARGV[6] == '1' then
  -- An id that another one has replaced does not come back.
  resumes = sid == ARGV[2] or redis.call('HEXISTS', key, 'old:' .. ARGV[2]) == 1
end
if not resumes then
  if sid then
    redis.call('HSET', key, 'old:' .. sid, '1')
  end
  redis.call('HSET', key, 'device', ARGV[1], 'sid', ARGV[2], 'seq', '0',
    'gen', string.format('%.0f', generation + 1))
end
redis.call('HSETNX', key, 'joined', ARGV[3])
redis.call('PEXPIREAT', key, ARGV[4])
return redis.call('HGETALL', key)
