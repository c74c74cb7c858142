import { TalkdeskError } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { ApiFailure } from "../../src/api/api-call.js";
import { formatLogLine } from "../../src/command/log-line.js";
import { SessionsFailure } from "../../src/sessions/stored-sessions.js";

describe("a line of the log", () => {
  it("has the message of a TalkdeskError and of an ApiFailure", () => {
    expect(
      formatLogLine(new TalkdeskError("token_network", "The token endpoint could not be reached.")),
    ).toBe("token_network: The token endpoint could not be reached.");
    expect(formatLogLine(new ApiFailure("your contacts", new Response("secret", { status: 500 })))).toBe(
      "Talkdesk's API answered the request for your contacts with 500.",
    );
  });

  it("names the code of what failed beneath, and not its message", () => {
    const cause = Object.assign(new Error("redis://:hunter2@tokens"), { code: "SQLITE_FULL" });
    expect(
      formatLogLine(new TalkdeskError("store_unavailable", "The store of tokens failed.", { cause })),
    ).toBe("store_unavailable: The store of tokens failed. (SQLITE_FULL)");
    expect(formatLogLine(new SessionsFailure(cause))).toBe("The store of sessions failed with SQLITE_FULL.");
  });

  it("has only the kind and the place of other errors, whose messages may quote secrets", () => {
    const line = formatLogLine(
      Object.assign(new Error("redis://:hunter2@sessions"), { code: "ECONNREFUSED" }),
    );
    expect(line).toMatch(/^Error ECONNREFUSED at .*log-line\.test\.ts/);
    expect(line).not.toContain("hunter2");
    expect(line).not.toContain("\n");
    expect(formatLogLine("hunter2")).not.toContain("hunter2");
    expect(formatLogLine(undefined)).toBe("Error");
  });

  it("contains no control characters, and stays one line", () => {
    expect(formatLogLine(new TypeError("Invalid \u001b[2J\u009b\u202e\n\u2028name"))).toBe(
      "Invalid %1B[2J%C2%9B%E2%80%AE%0A%E2%80%A8name",
    );
  });
});
