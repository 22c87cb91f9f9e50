-- The commands of a store. Redis runs each of them as one atomic step.
--
-- script.rs puts constants before this file: ENTRY_OVERHEAD and MAX_REPLY_BYTES, which are sizes in bytes;
-- PAGE and EXPIRED_PER_STEP, which are numbers of keys; and the encoded sizes of integers, ZERO_BYTES for
-- 0 and INTEGER_BYTES for all others.
--
-- ARGV is the command, the largest number of entries and of bytes that the store may hold ('' for no limit),
-- and then the arguments of the command. The reply is {'ok', …}, or why the command was not executed:
-- {'again'}, {'full', …} or {'large'}.

-- A hash of the values by key, a sorted set of the keys, a sorted set of the times when keys expire (in
-- milliseconds since 1970), the size of all entries, and the digest of the owner, if there is one.
local values, keys, expiries, bytes, owner = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

-- Returns whether a stored value is an integer. Integers are stored as digits, which `HINCRBY` can add to;
-- other values are stored encoded, and no encoding consists of digits only.
local function is_integer(stored)
  return #stored <= 20 and string.find(stored, '^-?%d+$') ~= nil
end

-- Returns the size that a stored value has when it is encoded.
local function encoded_len(stored)
  if stored == '0' then
    return ZERO_BYTES
  end
  return is_integer(stored) and INTEGER_BYTES or #stored
end

-- Returns the encoded size of the value of a key, or 0 if there is none.
local function value_len(key)
  local length = redis.call('HSTRLEN', values, key)
  if length > 0 and length <= 20 then
    return encoded_len(redis.call('HGET', values, key))
  end
  return length
end

-- Removes a key, if it exists.
local function remove(key)
  local len = value_len(key)
  if len > 0 then
    redis.call('HDEL', values, key)
    redis.call('ZREM', keys, key)
    redis.call('ZREM', expiries, key)
    redis.call('DECRBY', bytes, #key + len + ENTRY_OVERHEAD)
  end
end

-- Returns the number of entries and their size.
local function size()
  return redis.call('HLEN', values), tonumber(redis.call('GET', bytes) or 0)
end

-- Sets when a key expires: `ttl` is milliseconds, '' for never, or nil to keep what is set.
local function schedule(key, now, ttl)
  if ttl == '' then
    redis.call('ZREM', expiries, key)
  elseif ttl then
    redis.call('ZADD', expiries, now + ttl, key)
  end
end

-- Sets the keys and values that alternate in `list` from the index `first` on: all of them, or, when that
-- would exceed a limit, none. Returns the reply in that case, and nil otherwise.
local function put(list, first, now, ttl)
  local entries, total = size()
  local entries_after, total_after = entries, total
  for at = first, #list, 2 do
    local before = value_len(list[at])
    if before == 0 then
      entries_after = entries_after + 1
      total_after = total_after + #list[at] + ENTRY_OVERHEAD
    end
    total_after = total_after + encoded_len(list[at + 1]) - before
  end
  local max_entries, max_bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
  if (max_entries and entries_after > entries and entries_after > max_entries)
    or (max_bytes and total_after > total and total_after > max_bytes) then
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

-- Returns the values of keys. The value of a single key may have any size.
function commands.get()
  local reply, left = {'ok'}, #ARGV > 4 and MAX_REPLY_BYTES or math.huge
  for at = 4, #ARGV do
    local stored = redis.call('HGET', values, ARGV[at])
    left = left - #ARGV[at] - (stored and encoded_len(stored) or 0) - ENTRY_OVERHEAD
    if left < 0 then
      return {'large'}
    end
    reply[#reply + 1] = stored
  end
  return reply
end

function commands.exists()
  return {'ok', redis.call('HEXISTS', values, ARGV[4])}
end

-- Returns the `keys`, `values` or `entries` of a range.
function commands.range()
  local what, from, to = ARGV[4], ARGV[5], ARGV[6]
  local reply, left = {'ok'}, MAX_REPLY_BYTES
  repeat
    local page = redis.call('ZRANGEBYLEX', keys, from, to, 'LIMIT', 0, PAGE)
    for _, key in ipairs(page) do
      left = left - ENTRY_OVERHEAD
      if what ~= 'values' then
        left = left - #key
        reply[#reply + 1] = key
      end
      if what ~= 'keys' then
        local stored = redis.call('HGET', values, key)
        left = left - encoded_len(stored)
        reply[#reply + 1] = stored
      end
      if left < 0 then
        return {'large'}
      end
    end
    from = '(' .. (page[#page] or '')
  until #page < PAGE
  return reply
end

function commands.count()
  return {'ok', redis.call('ZLEXCOUNT', keys, ARGV[4], ARGV[5])}
end

-- Arguments: a time to live or '', then keys and values.
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

-- Returns whether the key had the expected value. '' stands for none, as no stored value is empty.
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

-- Returns the sum and whether the limit on values allows it, or false and the value that cannot be added to.
-- The last argument is the time to live of a key that does not exist, or ''.
function commands.increment(now)
  local key, delta, max_len = ARGV[4], ARGV[5], tonumber(ARGV[6])
  local stored = redis.call('HGET', values, key)
  if stored and not is_integer(stored) then
    return {'ok', false, stored}
  end
  -- Lua's numbers have 53 bits, so Redis adds. The old value is restored because `put` checks the limits.
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
  if max_len and encoded_len(sum) > max_len then
    return {'ok', sum, 0}
  end
  local ttl
  if not stored then
    ttl = ARGV[7]
  end
  return put({key, sum}, 1, now, ttl) or {'ok', sum, 1}
end

-- Returns the milliseconds until a key expires, or nil.
function commands.ttl(now)
  local expires_at = redis.call('ZSCORE', expiries, ARGV[4])
  return {'ok', expires_at and expires_at - now}
end

function commands.set_ttl(now)
  local exists = redis.call('HEXISTS', values, ARGV[4])
  if exists == 1 then
    schedule(ARGV[4], now, ARGV[5])
  end
  return {'ok', exists}
end

-- Returns the owner of the store: the argument, if there was none.
function commands.claim()
  local current = redis.call('GET', owner)
  if not current then
    redis.call('SET', owner, ARGV[4])
  end
  return {'ok', current or ARGV[4]}
end

function commands.size()
  return {'ok', size()}
end

-- Expired entries are removed first, so that no command sees them; a bounded number at a time, so that no
-- step takes long.
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
