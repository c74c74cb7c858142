import { createHash } from "node:crypto";

/** What there is of one key of the store. Each is a key in Redis, and all are in one slot of a cluster. */
export type Part = "record" | "lock" | "history";

/** A Lua script, which the server runs as one step. */
export interface Script {
  readonly source: string;
  /** The parts that it uses, in the order of its keys. No more, since a slot that is moving has commands for one key only. */
  readonly parts: readonly Part[];
  /** The name that the server gives it, once it has seen the source. */
  readonly sha1: string;
}

/** The major version of the records' layout. */
const FORMAT = 1;

/**
 * How long the history of a key is kept after its record and its lock are gone. It exceeds the time for which a client
 * may send a command again, and a step of the server's clock by time synchronisation.
 */
const REMEMBERED_MS = 3_600_000;

/**
 * Functions for all scripts. These find the parts by name:
 * - `RECORD`, a hash of `format`, `version` and `value`.
 * - `LOCK`, a hash of `owner`, `fence` and `ttl` (in milliseconds).
 * - `HISTORY`, a hash of `last` (the latest version or fence), `fence` (the latest fence that has written), `write` and
 *   `version` (the id of the latest write, and the version that it made), and `delete` (the id of the latest deletion).
 *
 * Versions and fences are microseconds of the server's clock, so that none repeats when a history is lost. Lua holds them
 * exactly below 2^53, and the clock stays below 2^52 until 2112. A client may send a command again when a connection
 * fails, so each carries an id that makes the second one have no effect.
 *
 * A script that may not run when memory is full changes a hash first, since the server refuses only the first change.
 */
const COMMON = `
local function type_of(key)
  return redis.call('TYPE', key).ok
end

local function fields_of(key, ...)
  if type_of(key) ~= 'hash' then return {} end
  return redis.call('HMGET', key, ...)
end

-- Replaces what is not a hash, since nothing else writes under these keys on purpose.
local function set_fields(key, ...)
  local kind = type_of(key)
  if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', key) end
  redis.call('HSET', key, ...)
end

local function number_in(field)
  local number = tonumber(field)
  if number and number >= 0 and number < 2^53 and number % 1 == 0 then return number end
  return 0
end

local function text_of(number)
  return string.format('%.0f', number)
end

local function now_in_microseconds()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function number_after(last)
  return math.max(math.min(now_in_microseconds(), 2^52), last + 1)
end

-- The version ('0' without a record) and value of the record, or as a third result why they cannot be read.
local function read_record()
  local kind = type_of(RECORD)
  if kind == 'none' then return '0' end
  local format, version, value = unpack(fields_of(RECORD, 'format', 'version', 'value'))
  if number_in(format) > ${FORMAT} then return nil, nil, 'newer' end
  local is_version = version and number_in(version) > 0 and text_of(number_in(version)) == version
  if format ~= '${FORMAT}' or not is_version or not value then return nil, nil, 'corrupt' end
  return version, value
end

-- Lets the history end an hour after the record and the lock.
local function keep_history()
  local record_ms = redis.call('PTTL', RECORD)
  if record_ms == -1 then
    redis.call('PERSIST', HISTORY)
  else
    local longest_ms = math.max(record_ms, redis.call('PTTL', LOCK), 0)
    redis.call('PEXPIRE', HISTORY, text_of(longest_ms + ${REMEMBERED_MS}))
  end
end
`;

function script(parts: readonly Part[], body: string): Script {
  const names = parts.map((part, index) => `local ${part.toUpperCase()} = KEYS[${index + 1}]\n`);
  const source = `${names.join("")}${COMMON}${body}`;
  return { source, parts, sha1: createHash("sha1").update(source).digest("hex") };
}

const ALL: readonly Part[] = ["record", "lock", "history"];

/** Reads the record: `[version, value]`, nil, or `[fault]`. */
export const READ: Script = script(
  ["record"],
  `
local version, value, fault = read_record()
if fault then return { fault } end
if version == '0' then return false end
return { version, value }
`,
);

/**
 * Writes the record: its version, nil when it was not written, or `[fault]`. Arguments: the expected version, the value,
 * the fence or nothing, when the record expires in epoch milliseconds or nothing, and the id of this write.
 *
 * Without a history, a later fence cannot have written within the time for which one is kept.
 */
export const WRITE: Script = script(
  ALL,
  `
local expected, value, fence, expires_at, id = unpack(ARGV)
local last, last_fence, last_write, written =
  unpack(fields_of(HISTORY, 'last', 'fence', 'write', 'version'))
if last_write == id then return written end

local version, _, fault = read_record()
if fault then return { fault } end
if version ~= expected then return false end
if fence ~= '' then
  if last_fence then
    if tonumber(fence) < number_in(last_fence) then return false end
  elseif tonumber(fence) < now_in_microseconds() - ${REMEMBERED_MS} * 1000 then
    if fields_of(LOCK, 'fence')[1] ~= fence then return false end
  end
end

local new = text_of(number_after(math.max(number_in(last), number_in(version))))
set_fields(HISTORY, 'last', new, 'write', id, 'version', new)
if fence ~= '' then redis.call('HSET', HISTORY, 'fence', fence) end
redis.call('DEL', RECORD)
if expires_at == '' or tonumber(expires_at) * 1000 > now_in_microseconds() then
  redis.call('HSET', RECORD, 'format', '${FORMAT}', 'version', new, 'value', value)
  if expires_at ~= '' then redis.call('PEXPIREAT', RECORD, expires_at) end
end
keep_history()
return new
`,
);

/** Deletes the record, whatever it is. Argument: the id of this deletion. */
export const DELETE: Script = script(
  ALL,
  `
local last, last_delete = unpack(fields_of(HISTORY, 'last', 'delete'))
if last_delete == ARGV[1] then return 0 end
local version = fields_of(RECORD, 'version')[1]
local deleted = redis.call('DEL', RECORD)
if deleted == 1 or last then
  local latest = text_of(math.max(number_in(last), number_in(version)))
  set_fields(HISTORY, 'last', latest, 'delete', ARGV[1])
  keep_history()
end
return deleted
`,
);

/**
 * Takes the lock: its fence, or nil when it is held. Arguments: the owner, and the time in milliseconds.
 *
 * Expiry follows the clock of the server. When that was set back, the lock ends after its own time from now.
 */
export const LOCK: Script = script(
  ALL,
  `
local owner, fence, ttl = unpack(fields_of(LOCK, 'owner', 'fence', 'ttl'))
if owner == ARGV[1] then return fence end
local left = redis.call('PTTL', LOCK)
if owner and left >= 0 then
  if left > number_in(ttl) then redis.call('PEXPIRE', LOCK, text_of(number_in(ttl))) end
  return false
end

local last = number_in(fields_of(HISTORY, 'last')[1])
local new = text_of(number_after(math.max(last, number_in(read_record()))))
set_fields(HISTORY, 'last', new)
set_fields(LOCK, 'owner', ARGV[1], 'fence', new, 'ttl', ARGV[2])
redis.call('PEXPIRE', LOCK, ARGV[2])
keep_history()
return new
`,
);

/** Extends the lock: 1, or 0 when it is no longer held. Arguments: the owner, and the time in milliseconds. */
export const EXTEND: Script = script(
  ALL,
  `
if fields_of(LOCK, 'owner')[1] ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', LOCK, ARGV[2])
redis.call('HSET', LOCK, 'ttl', ARGV[2])
keep_history()
return 1
`,
);

/** Releases the lock, if it is still held. Argument: the owner. */
export const RELEASE: Script = script(
  ["lock"],
  `
if fields_of(LOCK, 'owner')[1] ~= ARGV[1] then return 0 end
return redis.call('DEL', LOCK)
`,
);

/** Reads which keys the server drops when its memory is full. Asked by a script, as a client of a cluster asks no node. */
export const EVICTION_POLICY: Script = script(
  ["record"],
  `
return string.match(redis.call('INFO', 'memory'), 'maxmemory_policy:([%w-]+)') or false
`,
);
