import {
  type AccessToken,
  accessToken,
  type Clock,
  clientSecretBasic,
  isTalkdeskError,
  type StoredToken,
  type StoreLock,
  type TalkdeskClient,
  type TalkdeskClientOptions,
  type TalkdeskError,
  type TokenStore,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import type { VirtualClock } from "./lifecycle-fixture.js";
import { rejection } from "./token-endpoint.js";

/** The error of ours with which a call rejects. */
export async function failure(call: Promise<unknown>): Promise<TalkdeskError> {
  const error = await rejection(call);
  if (!isTalkdeskError(error)) throw error;
  return error;
}

export type Operation = "read" | "write" | "delete" | "lock" | "extend" | "release";

interface TestRecord extends StoredToken {
  readonly fence: number;
  readonly expiresAt?: number;
}

/** The behaviour of a store for one operation. */
export type Behaviour = "works" | "fails" | "hangs" | "works and fails" | "works and hangs";

/** A store in memory that can be told to fail, with a record of what it was asked. Written from its contract alone. */
export class TestStore implements TokenStore {
  readonly #clock: VirtualClock;
  readonly records = new Map<string, TestRecord>();
  readonly locks = new Map<string, { readonly fence: number; readonly until: number }>();
  readonly operations: Operation[] = [];
  #lastVersion = 0;
  #lastFence = 0;
  /** Decides about each operation. */
  behave: (operation: Operation, count: number) => Behaviour = () => "works";

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  async #perform<T>(operation: Operation, work: () => T): Promise<T> {
    this.operations.push(operation);
    const behaviour = this.behave(operation, this.operations.filter((name) => name === operation).length);
    if (behaviour === "hangs") return new Promise(() => {});
    if (behaviour === "fails") throw new Error("redis://user:store-password@host is down");
    const result = work();
    if (behaviour === "works and hangs") return new Promise(() => {});
    if (behaviour === "works and fails") throw new Error("the answer was lost");
    return result;
  }

  read(key: string): Promise<StoredToken | undefined> {
    return this.#perform("read", () => {
      const record = this.#recordOf(key);
      return record && { value: record.value, version: record.version };
    });
  }

  write(
    key: string,
    value: string,
    { expectedVersion, fence, expiresAt }: { expectedVersion: number; fence?: number; expiresAt?: number },
  ): Promise<number | undefined> {
    return this.#perform("write", () => {
      const record = this.#recordOf(key);
      if ((record?.version ?? 0) !== expectedVersion) return undefined;
      if (fence !== undefined && (record?.fence ?? 0) > fence) return undefined;
      this.#lastVersion += 1;
      const written = { value, version: this.#lastVersion, fence: fence ?? record?.fence ?? 0 };
      this.records.set(key, { ...written, ...(expiresAt !== undefined && { expiresAt }) });
      this.#recordOf(key);
      return this.#lastVersion;
    });
  }

  /** The record of a key, unless its time is over by the clock of the test. */
  #recordOf(key: string): TestRecord | undefined {
    const record = this.records.get(key);
    if (record?.expiresAt === undefined || record.expiresAt > this.#clock.now()) return record;
    this.records.delete(key);
    return undefined;
  }

  delete(key: string): Promise<void> {
    return this.#perform("delete", () => {
      this.records.delete(key);
    });
  }

  lock(key: string, { ttlMs }: { ttlMs: number }): Promise<StoreLock | undefined> {
    return this.#perform("lock", () => {
      if ((this.locks.get(key)?.until ?? 0) > this.#clock.monotonic()) return undefined;
      this.#lastFence += 1;
      const fence = this.#lastFence;
      this.locks.set(key, { fence, until: this.#clock.monotonic() + ttlMs });
      const release = (): Promise<void> =>
        this.#perform("release", () => {
          if (this.locks.get(key)?.fence === fence) this.locks.delete(key);
        });
      const extend = (extendedMs: number): Promise<boolean> =>
        this.#perform("extend", () => {
          if (this.locks.get(key)?.fence !== fence || !this.isLocked(key)) return false;
          this.locks.set(key, { fence, until: this.#clock.monotonic() + extendedMs });
          return true;
        });
      return { fence, extend, release };
    });
  }

  isLocked(key: string): boolean {
    return (this.locks.get(key)?.until ?? 0) > this.#clock.monotonic();
  }
}

/** How the token endpoint treats one request. */
export type Treatment =
  | "answers"
  | "loses"
  | "unsent"
  | "hangs"
  | { readonly status: number; readonly error?: string }
  /** The refresh token is exchanged at once, and the answer is delivered when the promise resolves. */
  | { readonly answersAfter: Promise<unknown> };

/** A token endpoint without a network that accepts each refresh token once, and ends the session at a reuse. */
export class RotatingEndpoint {
  readonly #prefix: string;
  /** The refresh token that is good; undefined when the session was revoked. */
  valid: string | undefined;
  /** Refresh tokens in the order in which they came. */
  readonly received: string[] = [];
  /** Scopes in the order in which they were asked for. */
  readonly scopes: (string | undefined)[] = [];
  /** Decides about each request; counts from 1. */
  treat: (count: number) => Treatment | Promise<Treatment> = () => "answers";
  /** Members of the answers, changed where told; a refresh token of null is left out. */
  members: (count: number) => Record<string, unknown> = () => ({});
  rotates = true;
  #issued = 0;

  /** @param prefix Begins each token that it issues. */
  constructor(prefix = "") {
    this.#prefix = prefix;
    this.valid = `${prefix}rt-0`;
  }

  /** Somebody logs in: the session before is over. */
  login(): { readonly value: string; readonly refreshToken: string } {
    this.#issued += 1;
    this.valid = `${this.#prefix}rt-${this.#issued}`;
    return { value: `${this.#prefix}at-${this.#issued}`, refreshToken: this.valid };
  }

  readonly fetch: typeof fetch = async (_url, init) => {
    const form = new URLSearchParams(String(init?.body));
    const treatment = await this.treat(this.received.length + 1);
    if (treatment === "unsent") {
      throw Object.assign(new TypeError("fetch failed"), {
        cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }),
      });
    }
    const refreshToken = form.get("refresh_token") ?? "";
    this.received.push(refreshToken);
    this.scopes.push(form.get("scope") ?? undefined);
    if (treatment === "hangs") return aborted(init);
    if (typeof treatment === "object" && "status" in treatment) {
      return json(treatment.status, { error: treatment.error });
    }
    if (refreshToken !== this.valid) {
      this.valid = undefined;
      return json(400, { error: "invalid_grant" });
    }
    this.#issued += 1;
    if (this.rotates) this.valid = `${this.#prefix}rt-${this.#issued}`;
    if (treatment === "loses") {
      throw Object.assign(new TypeError("fetch failed"), {
        cause: Object.assign(new Error("reset"), { code: "ECONNRESET" }),
      });
    }
    const answer = json(200, {
      access_token: `${this.#prefix}at-${this.#issued}`,
      token_type: "bearer",
      expires_in: 599,
      ...(this.rotates && { refresh_token: this.valid }),
      ...this.members(this.received.length),
    });
    if (typeof treatment === "object") {
      await Promise.race([treatment.answersAfter, aborted(init)]);
    }
    return answer;
  };
}

function aborted(init: RequestInit | undefined): Promise<Response> {
  return new Promise((_resolve, reject) => {
    init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
  });
}

const json = (status: number, body: unknown): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

export const sessionClient = (
  endpoint: Pick<RotatingEndpoint, "fetch">,
  clock: Clock,
  options: Partial<TalkdeskClientOptions> = {},
): TalkdeskClient =>
  talkdeskClient({
    account: "acme",
    authentication: clientSecretBasic({ clientId: "client", clientSecret: "a secret" }),
    fetch: endpoint.fetch,
    clock,
    random: () => 0,
    ...options,
  });

/** The token of a login that has just happened. */
export const loginTokenAt = (
  clock: VirtualClock,
  members: Partial<Parameters<typeof accessToken>[0]> = {},
): AccessToken =>
  accessToken({
    value: "at-login",
    refreshToken: "rt-0",
    issuedAt: clock.now(),
    expiresAt: clock.now() + 599_000,
    ...members,
  });
