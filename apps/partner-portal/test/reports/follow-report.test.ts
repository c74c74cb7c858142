import { describe, expect, it } from "vitest";
import { followReport } from "../../src/reports/follow-report.js";

describe("followReport", () => {
  it("stops waiting at once when nobody listens any more", async () => {
    const leaving = new AbortController();
    const waits = { firstMs: 3_600_000, longestMs: 3_600_000, totalMs: 7_200_000 };
    const answer = async (): Promise<Response> => Response.json({ job: { status: "processing" } });
    const statuses = followReport(answer, "0123456789", { waits, signal: leaving.signal });
    expect((await statuses.next()).value).toEqual({ state: "making" });
    const next = statuses.next();
    leaving.abort();
    await expect(next).rejects.toMatchObject({ name: "AbortError" });
  });
});
