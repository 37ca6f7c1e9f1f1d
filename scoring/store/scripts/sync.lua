-- Merges a record into what is stored; the same rule as Merge in store.go.
-- KEYS[1] is the student's hash.
-- ARGV: expireAt, joined, device, sid, gen, seq, live, then three for each of
-- what is counted or kept: type, count and last of a violation; 'a:' and the id
-- of an action, and the action; 'm:' and the name of a mark, and the mark
local key = KEYS[1]
local generation = tonumber(ARGV[5])
if generation == 0 and #ARGV < 8 then
  return redis.call('HGETALL', key)
end

local function number(field)
  return tonumber(redis.call('HGET', key, field) or '0')
end
local function raise(field, value)
  if tonumber(value) > number(field) then
    redis.call('HSET', key, field, value)
  end
end

local sid = redis.call('HGET', key, 'sid') or ''
local stored = number('gen')
if generation == 0 then
  -- Nothing is known of a session: only of a student who has not joined.
elseif sid == ARGV[4] then
  raise('gen', ARGV[5])
  raise('seq', ARGV[6])
  if (redis.call('HGET', key, 'device') or '') == '' then
    redis.call('HSET', key, 'device', ARGV[3])
  end
elseif generation > stored or (generation == stored and ARGV[4] > sid) then
  if sid ~= '' then
    redis.call('HSET', key, 'old:' .. sid, '1')
  end
  redis.call('HSET', key, 'device', ARGV[3], 'sid', ARGV[4], 'gen', ARGV[5], 'seq', ARGV[6])
end

local joined = number('joined')
if tonumber(ARGV[2]) ~= 0 and (joined == 0 or tonumber(ARGV[2]) < joined) then
  redis.call('HSET', key, 'joined', ARGV[2])
end
if ARGV[7] == '1' then
  redis.call('HSET', key, 'live', '1')
end
for i = 8, #ARGV, 3 do
  local kind = string.sub(ARGV[i], 1, 2)
  if kind == 'a:' then
    local have = redis.call('HGET', key, ARGV[i])
    if not have or ARGV[i + 1] < have then
      redis.call('HSET', key, ARGV[i], ARGV[i + 1])
    end
  elseif kind == 'm:' then
    raise(ARGV[i], ARGV[i + 1])
  else
    raise('n:' .. ARGV[i], ARGV[i + 1])
    raise('last:' .. ARGV[i], ARGV[i + 2])
  end
end
redis.call('PEXPIREAT', key, ARGV[1])
return redis.call('HGETALL', key)
