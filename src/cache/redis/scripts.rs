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
pub(super) static ALL: [&LazyLock<Script>; 3] = [&PERMITS, &FILL, &INVALIDATE];
