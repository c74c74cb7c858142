import type { TokenSource } from "@talkdesk-oauth/core";
import { expect, it, vi } from "vitest";
import { compose, describeUndici, type Undici } from "./support/describe-undici.js";

// The setup of a user with undici 8.
vi.mock("undici", () => import("undici8"));

const undici8 = (await import("undici8")) as unknown as Undici;

describeUndici(undici8, "undici 8");

const major = Number(process.versions.node.split(".")[0]);

// Node 26 uses the fetch of undici 8.
if (major < 26) {
  it("says why an Agent of undici 8 does not serve the global fetch", async () => {
    const source: TokenSource = { api: "https://api.example", getToken: () => new Promise(() => {}) };
    const [, dispatcher] = compose(undici8, { source }, (agent, authorized) => agent.compose(authorized));
    const error = await fetch("https://api.example/users", { dispatcher } as object).catch(
      (reason) => reason,
    );
    expect(error.cause?.message).toMatch(/undici 8 does not support it: use undici's own fetch/);
  });
}
