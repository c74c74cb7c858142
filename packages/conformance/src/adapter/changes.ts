import { expect, it } from "vitest";
import type { BodyKind, PlainRequest } from "./driver.js";
import { type Subject, setStage } from "./stage.js";

interface Change {
  readonly body: NonNullable<PlainRequest["body"]>;
  change(): void;
}

const BEFORE = "as-it-was";

/** Bodies that contain {@link BEFORE}, and the change that removes it. */
const makeChange: Partial<Record<BodyKind, () => Change>> = {
  bytes() {
    const value = new TextEncoder().encode(BEFORE);
    return { body: { kind: "bytes", value }, change: () => void value.fill(120) };
  },
  form() {
    const value = new URLSearchParams({ a: BEFORE });
    return { body: { kind: "form", value }, change: () => value.set("a", "changed") };
  },
  multipart() {
    const value = new FormData();
    value.set("a", BEFORE);
    return { body: { kind: "multipart", value }, change: () => value.set("a", "changed") };
  },
};

/** The adapter reads URL, headers and body once, before its first wait; later changes by the caller are not sent. */
export function describeChanges(subject: Subject): void {
  const { bodies, urlObjects } = subject.capabilities;

  it.each((Object.keys(makeChange) as BodyKind[]).filter((kind) => bodies.includes(kind)))(
    "sends a %s body as it was when the call was made",
    async (kind) => {
      await using stage = await setStage(subject);
      const release = stage.holdTokens();
      const { body, change } = (makeChange[kind] as () => Change)();
      const headers = { "x-trace": BEFORE };
      const call = stage.sendUnfrozen({ url: `${stage.api}/echo`, method: "POST", headers, body });
      await stage.talkdesk.requests.waitFor(({ to }) => to === "token");
      change();
      headers["x-trace"] = "changed";
      release();
      expect((await call).status).toBe(200);
      expect(stage.apiRequests).toMatchObject([
        { text: expect.stringContaining(BEFORE), headers: { "x-trace": BEFORE } },
      ]);
    },
  );

  if (!urlObjects) return;

  it("accepts a URL object", async () => {
    await using stage = await setStage(subject);
    const { status } = await stage.send({ url: new URL(`${stage.api}/users?page=2`) });
    expect(status).toBe(200);
    expect(stage.apiRequests.map(({ url }) => url)).toEqual(["/users?page=2"]);
    expect(stage.withToken()).toHaveLength(1);
  });

  it("sends to the address that a URL object had when the call was made", async () => {
    await using stage = await setStage(subject);
    const release = stage.holdTokens();
    const url = new URL(`${stage.api}/echo?n=1`);
    const call = stage.sendUnfrozen({ url });
    await stage.talkdesk.requests.waitFor(({ to }) => to === "token");
    url.href = `${stage.otherApi}/echo?n=2`;
    release();
    expect((await call).status).toBe(200);
    expect(stage.apiRequests).toMatchObject([{ region: "us", url: "/echo?n=1" }]);
  });
}
