-- All that a store asks of Redis, each command in one atomic step.
--
-- Before this stand the bounds ENTRY_BYTES, ANSWER_BYTES, PAGE and EXPIRED_PER_STEP, and what
-- integers take when they are encoded: ZERO_BYTES, and INTEGER_BYTES for all others.
-- ARGV has the command, the most entries and the most bytes of the store ('' is no bound), and what the
-- command needs. The answer is {'ok', …}, or why there is none.

-- The values by key, the keys in order, when keys end, and what all of it takes.
local values, keys, expiries, bytes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

-- Integers are kept as Redis itself counts, all else encoded, which is never just digits.
local function is_integer(stored)
  return #stored <= 20 and string.find(stored, '^-?%d+$') ~= nil
end

-- What a value takes when it is encoded.
local function weigh(stored)
  if stored == '0' then
    return ZERO_BYTES
  end
  return is_integer(stored) and INTEGER_BYTES or #stored
end

-- What the value of a key takes; 0 if there is none.
local function held(key)
  local length = redis.call('HSTRLEN', values, key)
  if length > 0 and length <= 20 then
    return weigh(redis.call('HGET', values, key))
  end
  return length
end

local function remove(key)
  local weight = held(key)
  if weight > 0 then
    redis.call('HDEL', values, key)
    redis.call('ZREM', keys, key)
    redis.call('ZREM', expiries, key)
    redis.call('DECRBY', bytes, #key + weight + ENTRY_BYTES)
  end
end

local function size()
  return redis.call('HLEN', values), tonumber(redis.call('GET', bytes) or 0)
end

-- When a key ends; `ttl` is milliseconds, '' for one that lasts, or nothing to leave it as it is.
local function schedule(key, now, ttl)
  if ttl == '' then
    redis.call('ZREM', expiries, key)
  elseif ttl then
    redis.call('ZADD', expiries, now + ttl, key)
  end
end

-- Sets the keys and values from a place of a list on, all or none. Answers why not, or nothing.
local function put(list, first, now, ttl)
  local entries, total = size()
  local entries_after, total_after = entries, total
  for at = first, #list, 2 do
    local before = held(list[at])
    if before == 0 then
      entries_after = entries_after + 1
      total_after = total_after + #list[at] + ENTRY_BYTES
    end
    total_after = total_after + weigh(list[at + 1]) - before
  end
  local most_entries, most_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
  if (most_entries and entries_after > entries and entries_after > most_entries)
    or (most_bytes and total_after > total and total_after > most_bytes) then
    return {'full', entries, total, entries_after, total_after}
  end
  for at = first, #list, 2 do
    redis.call('HSET', values, list[at], list[at + 1])
    redis.call('ZADD', keys, 0, list[at])
    schedule(list[at], now, ttl)
  end
  redis.call('SET', bytes, total_after)
end

local commands = {}

-- The values of keys; of some, they fit into one answer.
function commands.get()
  local answer, left = {'ok'}, #ARGV > 4 and ANSWER_BYTES or math.huge
  for at = 4, #ARGV do
    local stored = redis.call('HGET', values, ARGV[at])
    left = left - #ARGV[at] - (stored and weigh(stored) or 0) - ENTRY_BYTES
    if left < 0 then
      return {'large'}
    end
    answer[#answer + 1] = stored
  end
  return answer
end

function commands.exists()
  return {'ok', redis.call('HEXISTS', values, ARGV[4])}
end

-- `keys`, `values` or `entries` between two bounds.
function commands.range()
  local what, from, to = ARGV[4], ARGV[5], ARGV[6]
  local answer, left = {'ok'}, ANSWER_BYTES
  repeat
    local page = redis.call('ZRANGEBYLEX', keys, from, to, 'LIMIT', 0, PAGE)
    for _, key in ipairs(page) do
      left = left - ENTRY_BYTES
      if what ~= 'values' then
        left = left - #key
        answer[#answer + 1] = key
      end
      if what ~= 'keys' then
        local stored = redis.call('HGET', values, key)
        left = left - weigh(stored)
        answer[#answer + 1] = stored
      end
      if left < 0 then
        return {'large'}
      end
    end
    from = '(' .. (page[#page] or '')
  until #page < PAGE
  return answer
end

function commands.count()
  return {'ok', redis.call('ZLEXCOUNT', keys, ARGV[4], ARGV[5])}
end

-- A time to live or '', then keys and values.
function commands.set(now)
  return put(ARGV, 5, now, ARGV[4]) or {'ok'}
end

function commands.del()
  for at = 4, #ARGV do
    remove(ARGV[at])
  end
  return {'ok'}
end

function commands.del_range()
  repeat
    local page = redis.call('ZRANGEBYLEX', keys, ARGV[4], ARGV[5], 'LIMIT', 0, PAGE)
    for _, key in ipairs(page) do
      remove(key)
    end
  until #page < PAGE
  return {'ok'}
end

-- No stored value is empty, so '' is none.
function commands.compare_and_set(now)
  local key, expected, new = ARGV[4], ARGV[5], ARGV[6]
  if (redis.call('HGET', values, key) or '') ~= expected then
    return {'ok', 0}
  end
  if new ~= '' then
    return put({key, new}, 1, now, '') or {'ok', 1}
  end
  remove(key)
  return {'ok', 1}
end

-- The sum, and whether a value may take as much; or nothing, and what cannot be added to.
function commands.add(now)
  local key, delta, most = ARGV[4], ARGV[5], tonumber(ARGV[6])
  local stored = redis.call('HGET', values, key)
  if stored and not is_integer(stored) then
    return {'ok', false, stored}
  end
  -- Redis adds exactly, and a number here has 53 bits. Then it is as it was, to be set within limits.
  local added = redis.pcall('HINCRBY', values, key, delta)
  if type(added) == 'table' then
    return string.find(added.err, 'overflow', 1, true) and {'ok', false, stored} or added
  end
  local sum = redis.call('HGET', values, key)
  if stored then
    redis.call('HSET', values, key, stored)
  else
    redis.call('HDEL', values, key)
  end
  if most and weigh(sum) > most then
    return {'ok', sum, 0}
  end
  return put({key, sum}, 1, now) or {'ok', sum, 1}
end

function commands.ttl(now)
  local ends = redis.call('ZSCORE', expiries, ARGV[4])
  return {'ok', ends and ends - now}
end

function commands.set_ttl(now)
  local there = redis.call('HEXISTS', values, ARGV[4])
  if there == 1 then
    schedule(ARGV[4], now, ARGV[5])
  end
  return {'ok', there}
end

function commands.size()
  return {'ok', size()}
end

-- What has expired goes first, a step at a time, so that no command meets it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', expiries, '-inf', now, 'LIMIT', 0, EXPIRED_PER_STEP)
for _, key in ipairs(due) do
  remove(key)
end
if #due == EXPIRED_PER_STEP then
  return {'again'}
end
return commands[ARGV[1]](now)
