//! Lua scripts: each runs atomically in Redis and names every key it touches.

use std::sync::LazyLock;

use redis::Script;

/// Takes a permit from each counter, or from none. The arithmetic is that of
/// [`gcra`](crate::cache::gcra); the clock is Redis', the same for all replicas.
///
/// Keys: counters. Arguments: interval and burst of each, in microseconds. Replies with the time
/// and when each counter was full before. The condition is written so that a stored `nan` fails it.
pub(super) static PERMITS: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local reply, after, admitted = { now }, {}, true
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local full_at = after[key] or tonumber(redis.call('GET', key)) or now
  if not (full_at >= now and full_at <= now + 2 * burst + 1000000) then full_at = now end
  reply[i + 1] = full_at
  if full_at + interval - burst <= now then
    after[key] = full_at + interval
  else
    admitted = false
  end
end
if admitted then
  for key, full_at in pairs(after) do
    local ttl = math.ceil((full_at - now) / 1000)
    redis.call('SET', key, string.format('%.0f', full_at), 'PX', string.format('%.0f', ttl))
  end
end
return reply
",
    )
});

/// Decides about a login attempt, as [`login`](crate::cache::LoginCounters) describes.
///
/// Keys: the known source, its wait, counters. Arguments: the waits after a denial and after a guess;
/// group, interval and burst of each counter; all times in microseconds. Replies with the time, whether
/// the source is known, until when it waits, the group of the way or 0, and when each counter was full.
pub(super) static LOGIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function at(key, ahead)
  local stored = tonumber(redis.call('GET', key)) or now
  if stored >= now and stored <= now + ahead then return stored end
  return now
end
local function put(key, value)
  local ttl = math.max(1, math.ceil((value - now) / 1000))
  redis.call('SET', key, string.format('%.0f', value), 'PX', string.format('%.0f', ttl))
end
local denial, guess = tonumber(ARGV[1]), tonumber(ARGV[2])
local known = redis.call('EXISTS', KEYS[1])
local waits = at(KEYS[2], math.max(denial, guess))
local full, groups, intervals, fits = {}, {}, {}, {}
for i = 1, #KEYS - 2 do
  local group, interval, burst = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2])
  full[i] = at(KEYS[i + 2], 2 * burst + 1000000)
  groups[i], intervals[i] = group, interval
  fits[group] = fits[group] ~= false and full[i] + interval - burst <= now
end
local way, shared = 0, 1
if fits[0] ~= false then
  if fits[2] and fits[1] ~= false then way = 2
  elseif known == 1 and fits[3] and fits[1] ~= false then way = 3
  elseif fits[4] ~= false then
    shared = 4
    if fits[5] then way = 5 elseif waits <= now and fits[6] then way = 6 end
  end
end
if way > 0 then
  for i, group in ipairs(groups) do
    if group == 0 or group == way or group == shared then put(KEYS[i + 2], full[i] + intervals[i]) end
  end
end
if way == 0 then put(KEYS[2], math.max(waits, now + denial)) end
if way > 3 then put(KEYS[2], math.max(waits, now + guess)) end
local reply = { now, known, waits, way }
for i, value in ipairs(full) do reply[i + 4] = value end
return reply
",
    )
});

/// Records a successful login: returns its permits, and makes the source known.
///
/// Keys: the known source, its wait, counters. Arguments: how long the source is known in milliseconds,
/// the interval of each counter in microseconds.
pub(super) static LOGIN_SUCCEEDED: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('DEL', KEYS[2])
for i = 3, #KEYS do
  local full = (tonumber(redis.call('GET', KEYS[i])) or now) - tonumber(ARGV[i - 1])
  if full > now then
    local ttl = math.ceil((full - now) / 1000)
    redis.call('SET', KEYS[i], string.format('%.0f', full), 'PX', string.format('%.0f', ttl))
  else
    redis.call('DEL', KEYS[i])
  end
end
redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
",
    )
});

/// Stores entries unless their epoch has changed since it was read, and the epoch if it is renewed.
///
/// Keys: the epoch, entries. Arguments: the epoch as read, lifetime in milliseconds, the renewed epoch or
/// nothing, its lifetime, values. Replies with 1 if it did.
pub(super) static FILL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local current = redis.pcall('GET', KEYS[1])
if type(current) ~= 'string' then current = '' end
if current ~= ARGV[1] then return 0 end
if ARGV[3] ~= '' then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[i + 3], 'PX', ARGV[2]) end
return 1
",
    )
});

/// Removes entries, publishes the message, advances the epoch. In this order, because DEL and PUBLISH
/// succeed when Redis is out of memory; SET, which comes last, may fail.
///
/// Redis cannot make epochs, because it has no key. If the one that it holds is not below the new one,
/// it replies with it instead, and the caller comes again with a higher one.
///
/// Keys: the epoch, entries. Arguments: lifetime of the epoch in milliseconds, channel, message, the new
/// epoch, 1 to store it in any case. Replies with nothing if it was done.
pub(super) static INVALIDATE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
local current = redis.pcall('GET', KEYS[1])
if type(current) ~= 'string' then current = '' end
local function number(epoch) return tonumber(string.sub(epoch, 2, 17)) or 0 end
if ARGV[5] ~= '1' and number(current) >= number(ARGV[4]) then return current end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[1])
return ''
",
    )
});

/// Every script; each new connection loads them.
pub(super) static ALL: [&LazyLock<Script>; 5] =
    [&PERMITS, &LOGIN, &LOGIN_SUCCEEDED, &FILL, &INVALIDATE];
