import { TalkdeskError } from "@talkdesk-oauth/core";
import { type TalkdeskErrorHandlerOptions, talkdeskErrorHandler } from "@talkdesk-oauth/express";
import { describe, expect, it } from "vitest";
import { openFailing } from "./support/failing-app.js";
import { frameworks } from "./support/served.js";

describe.each(frameworks)("talkdeskErrorHandler() in %s", (_name, framework) => {
  it("throws a TypeError at once for an option that it does not know", () => {
    expect(() => talkdeskErrorHandler({ loginPath: "/auth/login" } as TalkdeskErrorHandlerOptions)).toThrow(
      new TypeError('talkdeskErrorHandler() has no option "loginPath".'),
    );
  });

  it("passes on what is not an Error, as it is", async () => {
    const circle: { cause?: unknown } = {};
    circle.cause = { cause: circle };
    const others: unknown[] = [circle, "a text", 7, { status: 404 }];
    const left = [...others];
    await using app = await openFailing(framework, () => left.shift());
    for (const _ of others) expect((await app.ask("/")).text).toBe("unanswered");
    expect(app.errors).toHaveLength(others.length);
    for (const [index, error] of app.errors.entries()) expect(error).toBe(others[index]);
  });

  it("passes on what comes after the headers were sent", async () => {
    const error = new TalkdeskError("token_network", "failed");
    await using app = await openFailing(framework, (_request, response) => {
      response.write("half of");
      return error;
    });
    // The connection is closed: there is no other way to say that this is not all.
    await expect(app.ask("/")).rejects.toThrow();
    expect(app.errors).toHaveLength(1);
    expect(app.errors[0]).toBe(error);
  });
});
