import { parseUrl } from "@talkdesk-oauth/core";

/** More than the address of any page, and little enough for the address of a login that carries it. */
export const MAX_RETURN_TO_LENGTH = 2_048;

/** How often it may be percent-encoded: those behind us may decode it, and more than once. */
const MAX_DECODINGS = 4;

/** Stands for the origin of the app, which no path may leave. */
const HERE = "http://return-to.invalid";

/**
 * Where to go after a login or logout: a path on this origin, as browsers read it, and `/` for everything else.
 *
 * @param wanted What somebody asks for: a stranger may have written it.
 * @param excluded Paths that would lead back into the login.
 */
export function returnTo(wanted: unknown, excluded: readonly string[] = []): string {
  if (typeof wanted !== "string" || !wanted.startsWith("/") || wanted.length > MAX_RETURN_TO_LENGTH)
    return "/";
  // Browsers drop some of these and read on.
  const url = /[\p{Cc}\p{Cs}\u2028\u2029]/u.test(wanted) ? undefined : parseUrl(wanted, HERE);
  if (url === undefined) return "/";
  const { origin, pathname, search, hash } = url;
  const readings = origin === HERE ? readingsOf(pathname) : [];
  const isPath = readings.length > 0 && readings.every((path) => !/^\/[/\\]|[\\\p{Cc}]/u.test(path));
  if (!isPath) return "/";
  const own = excluded.map(comparable);
  if (readings.some((path) => own.includes(comparable(path)))) return "/";
  return `${pathname}${search}${hash}`;
}

/** The path, and what it is when it is decoded once or more often; none when it cannot be. */
function readingsOf(path: string): readonly string[] {
  const readings = [path];
  let reading = path;
  while (readings.length <= MAX_DECODINGS) {
    const decoded = decodedOnce(reading);
    if (decoded === reading) return readings;
    // A percent sign that was encoded is one that encodes nothing.
    if (decoded === undefined) return readings.length === 1 ? [] : readings;
    reading = decoded;
    readings.push(reading);
  }
  return [];
}

function decodedOnce(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** Routers overlook case, a slash at the end, and some of them doubled ones. */
function comparable(path: string): string {
  const { pathname } = new URL(path.replace(/\/{2,}/g, "/"), HERE);
  return pathname
    .replace(/\/{2,}/g, "/")
    .replace(/\/$/, "")
    .toLowerCase();
}
