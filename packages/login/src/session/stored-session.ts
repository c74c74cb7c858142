import { checkTokenStore, encodeBase64url, type TokenStore } from "@talkdesk-oauth/core";
import { checkOptionNames } from "../base/option-names.js";
import { hasSignIn } from "./login-records.js";
import type { LoginRecords, LoginSession, OpenSession } from "./login-session.js";

/** Options of {@link storedSession}. */
export interface StoredSessionOptions {
  /** Where the sessions are stored. It may be the store of the tokens. */
  readonly store: TokenStore;
  /**
   * Whether the cookie is `Secure` and its name begins with `__Host-`, so that browsers send it over https and to this
   * host only. Use false for development on plain http. Default true.
   */
  readonly secure?: boolean;
}

/** The record of a session in the store. */
interface StoredValue {
  /** When it was written, in epoch milliseconds. */
  readonly at: number;
  readonly records: LoginRecords;
}

const COOKIE = "talkdesk-session";

/** 32 random bytes in Base64url. */
const ID = /^[\w-]{43}$/;

/** 30 days in milliseconds, the default time that a token store keeps an unused sign-in. */
const SIGNED_IN_MS = 30 * 86_400_000;

/** Longer than a pending login is valid, and short, because anybody can begin logins and each leaves a record. */
const SIGNED_OUT_MS = 3_600_000;

/**
 * The age at which a read writes a record again. So a session in use is written once a day, and not at each request.
 */
const RENEWAL_MS = 86_400_000;

/**
 * Keeps the sessions of logins in a token store, for web frameworks without sessions of their own.
 *
 * A browser has a random id in a cookie (`__Host-talkdesk-session`: `Path=/`, `Secure`, `HttpOnly`, `SameSite=Lax`, gone
 * when the browser is closed); the store has the session under a hash of that id. An id that is not in the store is
 * ignored, and the browser gets a new one. A session leaves the store when it was not used for 30 days, or for an hour
 * if nobody is signed in. Each session is one record. Writes are compare-and-set, so that concurrent requests of one
 * browser to several processes lose no change.
 *
 * @throws TypeError for an unknown option, and for one that cannot be used.
 * @example
 * const sessions = storedSession({ store });
 * const { session, commit } = sessions(request);
 * const answer = await login.handle({ request, mount: "/auth", session, host: undefined });
 * if (answer !== undefined) return commit(answer);
 * @see RFC 6265bis §4.1.3.2 (`__Host-`)
 */
export function storedSession(
  options: StoredSessionOptions,
): (request: { readonly headers: { get(name: string): string | null } }) => OpenSession {
  checkOptionNames("storedSession()", options, ["store", "secure"]);
  const { store, secure = true } = options;
  checkTokenStore(store);
  if (typeof secure !== "boolean") throw new TypeError("secure must be true or false.");
  const cookie = { name: secure ? `__Host-${COOKIE}` : COOKIE, isSecure: secure };
  return (request) => openSession(store, cookie, request.headers.get("Cookie") ?? "");
}

interface Cookie {
  readonly name: string;
  readonly isSecure: boolean;
}

function openSession(store: TokenStore, cookie: Cookie, cookies: string): OpenSession {
  /** The id that the browser has, or will have once the answer has reached it. */
  const sent = idIn(cookies, cookie.name);
  let id = sent ?? newId();
  /** The version of the record that was read; 0 when there is none. */
  let version = 0;
  /** The id that the cookie has after the answer; undefined when the cookie is removed. */
  let told: string | undefined = sent;

  async function read(): Promise<LoginRecords | undefined> {
    const key = await keyOf(id);
    const found = await readOrDelete(store, key);
    const value = found && valueIn(found.value);
    if (found === undefined || value === undefined) {
      // Only ids that this function made are used.
      id = newId();
      version = 0;
      return undefined;
    }
    version = found.version;
    if (Date.now() - value.at > RENEWAL_MS) {
      // If this write fails, the session only ends earlier.
      const renewed = await put(key, version, value.records).catch(() => undefined);
      version = renewed ?? version;
    }
    return value.records;
  }

  function put(key: string, expectedVersion: number, records: LoginRecords): Promise<number | undefined> {
    const at = Date.now();
    const expiresAt = at + (hasSignIn(records) ? SIGNED_IN_MS : SIGNED_OUT_MS);
    return store.write(key, JSON.stringify({ at, records } satisfies StoredValue), {
      expectedVersion,
      expiresAt,
    });
  }

  async function write(records: LoginRecords): Promise<void> {
    const written = await put(await keyOf(id), version, records);
    if (written === undefined) throw sessionChanged();
    version = written;
    told = id;
  }

  const session: LoginSession = {
    get id() {
      return id;
    },
    read,
    write,
    async renew(records) {
      const [oldKey, oldVersion] = [await keyOf(id), version];
      const fresh = newId();
      const freshKey = await keyOf(fresh);
      const written = await put(freshKey, 0, records);
      if (written === undefined) throw sessionChanged();
      // An expiry in the past removes the record, unless another request has written it meanwhile.
      const isRemoved =
        oldVersion === 0 ||
        (await store.write(oldKey, "{}", { expectedVersion: oldVersion, expiresAt: 1 })) !== undefined;
      if (!isRemoved) {
        await store.delete(freshKey);
        throw sessionChanged();
      }
      // Some stores return expired records until they clean up.
      await store.delete(oldKey);
      id = fresh;
      version = written;
      told = fresh;
    },
    async drop() {
      await store.delete(await keyOf(id));
      id = newId();
      version = 0;
      told = undefined;
    },
  };
  return {
    session,
    commit: (response) => (told === sent ? response : withCookie(response, cookie, told)),
  };
}

const newId = (): string => encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));

/** The key of a session in the store. It is a hash, so that a reader of the store cannot make a cookie from it. */
async function keyOf(id: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id));
  return `session:${encodeBase64url(new Uint8Array(digest))}`;
}

async function readOrDelete(
  store: TokenStore,
  key: string,
): Promise<{ readonly value: string; readonly version: number } | undefined> {
  try {
    return await store.read(key);
  } catch (error) {
    if ((Object(error) as { code?: unknown }).code !== "store_corrupt") throw error;
    await store.delete(key);
    return undefined;
  }
}

function valueIn(text: string): StoredValue | undefined {
  try {
    const { at, records } = Object(JSON.parse(text)) as Partial<Record<keyof StoredValue, unknown>>;
    if (typeof at !== "number" || typeof records !== "object" || records === null) return undefined;
    return { at, records: records as LoginRecords };
  } catch {
    return undefined;
  }
}

const sessionChanged = (): Error =>
  Object.assign(new Error("Another request has changed the session meanwhile."), {
    code: "session_changed",
  });

/** The id that a browser sent; undefined for what cannot be one. */
function idIn(cookies: string, name: string): string | undefined {
  const values = cookies.split(";").map((pair) => pair.trim());
  const value = values.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  return value !== undefined && ID.test(value) ? value : undefined;
}

function withCookie(response: Response, { name, isSecure }: Cookie, id: string | undefined): Response {
  const headers = new Headers(response.headers);
  const attributes = ["Path=/", ...(isSecure ? ["Secure"] : []), "HttpOnly", "SameSite=Lax"];
  const value = id === undefined ? [`${name}=`, "Max-Age=0"] : [`${name}=${id}`];
  headers.append("Set-Cookie", [...value, ...attributes].join("; "));
  return new Response(response.body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}
