import axios, { AxiosError, type AxiosRequestConfig, CanceledError, type CreateAxiosDefaults } from "axios";
import { describe, expect, it } from "vitest";
import { type AuthorizedStage, setStage } from "./support/authorized-stage.js";
import { catchAxiosError } from "./support/catch-axios-error.js";

interface Phase {
  /** Makes all requests stop at this point. */
  readonly stop: (stage: AuthorizedStage) => Promise<void> | void;
  /** Resolves when a call has reached it. */
  readonly reached: (stage: AuthorizedStage) => Promise<unknown>;
  /** The number of requests at the gateways by then. */
  readonly sent: number;
}

const phases: Readonly<Record<string, Phase>> = {
  "the wait for a token": {
    stop: ({ talkdesk }) => void talkdesk.faults.add({ at: "token", hang: true }),
    reached: ({ talkdesk }) => talkdesk.requests.waitFor(({ to }) => to === "token"),
    sent: 0,
  },
  "the first sending": {
    async stop({ talkdesk, source }) {
      await source.getToken();
      talkdesk.faults.add({ at: "api", hang: true });
    },
    reached: ({ talkdesk }) => talkdesk.requests.waitFor(({ to }) => to === "api"),
    sent: 1,
  },
  "the wait for another token": {
    async stop(stage) {
      await stage.useRefusedToken();
      stage.talkdesk.faults.add({ at: "token", hang: true });
    },
    reached: (stage) => stage.talkdesk.requests.waitFor(() => stage.tokenRequests === 2),
    sent: 1,
  },
  "the second sending": {
    async stop(stage) {
      await stage.useRefusedToken();
      stage.talkdesk.faults.add({ at: "api", hang: true, skip: 1 });
    },
    reached: (stage) => stage.talkdesk.requests.waitFor(() => stage.apiRequests.length === 2),
    sent: 2,
  },
};

const cases = (["http", "fetch"] as const).flatMap((adapter) =>
  Object.entries(phases).map(([name, phase]) => ({ adapter, name, phase })),
);

describe("timeout", () => {
  it.concurrent.each(cases)("of $adapter ends $name", async ({ adapter, phase }) => {
    await using stage = await setStage({ adapter, timeout: 3_000 });
    await phase.stop(stage);
    const error = await catchAxiosError(stage.client.post("/echo", { name: "Ada" }));
    expect(error).toBeInstanceOf(AxiosError);
    expect(axios.isCancel(error)).toBe(false);
    expect(error).toMatchObject({ name: "AxiosError", message: "timeout of 3000ms exceeded" });
    // The adapter `fetch` of axios always uses the second code.
    expect(["ECONNABORTED", adapter === "fetch" ? "ETIMEDOUT" : ""]).toContain(error.code);
    expect(error.config).toMatchObject({ url: "/echo", timeout: 3_000, data: '{"name":"Ada"}' });
    expect(error.response).toBeUndefined();
    expect(stage.apiRequests).toHaveLength(phase.sent);
  });

  it.concurrent.each(["http", "fetch"] as const)(
    "of %s is for all of an exchange, not for each sending",
    async (adapter) => {
      await using stage = await setStage({ adapter });
      await stage.useRefusedToken();
      stage.talkdesk.faults.add({ at: "api", delayMs: 3_000 });
      stage.talkdesk.faults.add({ at: "api", hang: true });
      const startedAt = performance.now();
      // If the time were for each sending, this timer would come first, however busy the machine is.
      let isLate = false;
      const late = setTimeout(() => {
        isLate = true;
      }, 8_900);
      const error = await catchAxiosError(stage.client.get("/users", { timeout: 6_000 }));
      clearTimeout(late);
      const elapsed = performance.now() - startedAt;
      expect(error.message).toBe("timeout of 6000ms exceeded");
      expect(stage.apiRequests).toHaveLength(2);
      expect(elapsed).toBeGreaterThan(5_950);
      expect(isLate).toBe(false);
    },
  );

  it.concurrent("ends one caller's wait, and no other", async () => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({ at: "token", delayMs: 2_000 });
    const impatient = catchAxiosError(stage.client.get("/users", { timeout: 50 }));
    const patient = stage.client.get("/users");
    expect((await impatient).code).toBe("ECONNABORTED");
    expect((await patient).status).toBe(200);
    expect(stage.tokenRequests).toBe(1);
  });

  it.each(Object.entries(phases))(
    "has the code and the message that the caller chose, in %s",
    async (_, phase) => {
      await using stage = await setStage({
        timeout: 100,
        timeoutErrorMessage: "too late",
        transitional: { clarifyTimeoutError: true },
      });
      await phase.stop(stage);
      const error = await catchAxiosError(stage.client.get("/users"));
      expect(error).toMatchObject({ code: "ETIMEDOUT", message: "too late" });
    },
  );

  it("keeps no process alive once the answer is there", async () => {
    await using stage = await setStage({ timeout: 10_000 });
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    await stage.source.getToken();
    const before = timers();
    const { data } = await stage.client.get("/users");
    expect(data.page).toBe(1);
    expect(timers()).toBeLessThanOrEqual(before);
  });
});

interface Cancellation {
  readonly config: AxiosRequestConfig;
  cancel(): void;
}

const cancellations: Readonly<Record<string, () => Cancellation>> = {
  signal() {
    const controller = new AbortController();
    return {
      config: { signal: controller.signal },
      cancel: () => controller.abort(new Error("no interest")),
    };
  },
  CancelToken() {
    const { token, cancel } = axios.CancelToken.source();
    return { config: { cancelToken: token }, cancel: () => cancel("no interest") };
  },
};

describe.each(Object.keys(cancellations))("a %s", (kind) => {
  const make = cancellations[kind] as () => Cancellation;

  it.each(cases)("on $adapter ends $name", async ({ adapter, phase }) => {
    await using stage = await setStage({ adapter });
    await phase.stop(stage);
    const { config, cancel } = make();
    const call = catchAxiosError(stage.client.post("/echo", "word", config));
    await phase.reached(stage);
    cancel();
    const error = await call;
    expect(error).toBeInstanceOf(CanceledError);
    expect(axios.isCancel(error)).toBe(true);
    expect(error.code).toBe("ERR_CANCELED");
    expect(error.request).toBeUndefined();
    expect(error.config?.headers.has("authorization") ?? false).toBe(false);
    expect(stage.apiRequests).toHaveLength(phase.sent);
    if (phase.sent !== stage.apiRequests.filter(({ status }) => status === 401).length) {
      await stage.talkdesk.requests.waitFor(({ to, aborted }) => to === "api" && aborted);
    }
  });

  it("that was used before ends a call before a token is requested", async () => {
    await using stage = await setStage();
    const { config, cancel } = make();
    cancel();
    const error = await catchAxiosError(stage.client.get("/users", config));
    expect(axios.isCancel(error)).toBe(true);
    expect(stage.talkdesk.requests.all).toEqual([]);
  });

  it("that is used after the answer changes nothing", async () => {
    await using stage = await setStage();
    const { config, cancel } = make();
    const { data } = await stage.client.get("/users", config);
    cancel();
    expect(data.page).toBe(1);
    expect((await stage.client.get("/users")).status).toBe(200);
  });
});

describe("a CancelToken", () => {
  it.each(Object.entries(phases))(
    "gives its one reason, as it was, to all that wait in %s",
    async (_, phase) => {
      await using stage = await setStage();
      await phase.stop(stage);
      const { token, cancel } = axios.CancelToken.source();
      const call = catchAxiosError(stage.client.get("/users", { cancelToken: token }));
      await phase.reached(stage);
      cancel("no interest");
      const bare = axios.CancelToken.source();
      bare.cancel("no interest");
      const error = await call;
      expect(error).toBe(token.reason);
      expect(Object.keys(error).sort()).toEqual(Object.keys(bare.token.reason ?? {}).sort());
    },
  );

  it("that is long-lived collects no listeners", async () => {
    await using stage = await setStage({ timeout: 5_000 });
    const { token } = axios.CancelToken.source();
    const listeners = (): number => (token as { _listeners?: unknown[] | null })._listeners?.length ?? 0;
    await stage.client.get("/users", { cancelToken: token });
    stage.talkdesk.faults.revokeTokens();
    await stage.client.get("/users", { cancelToken: token });
    await catchAxiosError(stage.client.get("/echo?status=500", { cancelToken: token }));
    expect(listeners()).toBe(0);
  });
});

describe("a signal", () => {
  it.each<CreateAxiosDefaults>([{ adapter: "http" }, { adapter: "fetch" }])(
    "that lives long collects no listeners: %o",
    async (defaults) => {
      await using stage = await setStage(defaults);
      const { signal } = new AbortController();
      let listening = 0;
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      signal.addEventListener = (...listener: Parameters<typeof add>) => {
        listening += 1;
        add(...listener);
      };
      signal.removeEventListener = (...listener: Parameters<typeof remove>) => {
        listening -= 1;
        remove(...listener);
      };
      await stage.client.get("/users", { signal });
      const { length } = stage.apiRequests;
      await new Promise((resolve) => setImmediate(resolve));
      expect(length).toBe(1);
      expect(listening).toBeLessThanOrEqual(0);
    },
  );
});
