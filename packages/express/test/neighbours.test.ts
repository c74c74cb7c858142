import express, { type Response } from "express";
import { afterEach, describe, expect, it } from "vitest";
import { type LoginStage, type LoginStageOptions, openLoginStage, whoIs } from "./support/login-stage.js";

let stage: LoginStage;
const open = async (options: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

/** Sends the headers of an answer when the login asks Talkdesk for tokens. */
function headersWhileItWaits() {
  let early: Response | undefined;
  return {
    apply(response: Response): void {
      early = response;
    },
    client: {
      fetch: (...call: Parameters<typeof fetch>) => {
        early?.flushHeaders();
        return fetch(...call);
      },
    },
  };
}

describe("a login with middleware beside it", () => {
  it("leaves the cookies that others set, before it and after", async () => {
    await open({
      before: (app) => {
        app.use((_request, response, next) => {
          response.cookie("before", "1");
          response.append("Set-Cookie", "appended=2; Path=/");
          next();
        });
      },
      place: (app, login) => {
        app.use((_request, response, next) => {
          response.cookie("after", "3");
          next();
        });
        app.use("/auth", login);
      },
    });
    const browser = stage.browser();
    await browser.signIn();
    expect([...browser.cookies.keys()].sort()).toEqual(["after", "appended", "before", "connect.sid"]);
    await browser.visit("/auth/logout", { method: "POST" });
    expect((await browser.visit("/auth/callback")).headers["set-cookie"]).toHaveLength(3);
  });

  it("says what is wrong when headers were sent before it, and uses up no login", async () => {
    let isEarly = false;
    await open({
      place: (app, login) => {
        app.use("/auth", (_request, response, next) => {
          if (isEarly) response.flushHeaders();
          next();
        });
        app.use("/auth", login);
      },
    });
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    isEarly = true;
    await expect(browser.visit(callback)).rejects.toThrow();
    await expect(browser.visit("/auth/login")).rejects.toThrow();
    expect(stage.errors.map(String)).toEqual(
      Array(2).fill(expect.stringContaining("started before the login")),
    );
    isEarly = false;
    expect((await browser.visit(callback)).to).toBe("/");
    expect(stage.talkdesk.requests.to("token")).toHaveLength(1);
  });

  it("signs nobody in when headers are sent while it waits for Talkdesk", async () => {
    let isImpatient = false;
    const impatience = headersWhileItWaits();
    await open({
      client: impatience.client,
      place: (app, login) => {
        app.use("/auth", (_request, response, next) => {
          if (isImpatient) impatience.apply(response);
          next();
        });
        app.use("/auth", login);
      },
    });
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    isImpatient = true;
    await expect(browser.visit(callback)).rejects.toThrow();
    expect(String(stage.errors[0])).toContain("started before the login");
    expect(stage.tokens.records.size).toBe(0);
    isImpatient = false;
    expect((await whoIs(browser)).isSignedIn).toBe(false);
  });

  it("hands a failure on when headers were sent before it", async () => {
    const impatience = headersWhileItWaits();
    await open({
      client: impatience.client,
      place: (app, login) => {
        app.use("/auth/callback", (_request, response, next) => {
          impatience.apply(response);
          next();
        });
        app.use("/auth", login);
      },
    });
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    stage.talkdesk.faults.add({ at: "token", lose: true });
    await expect(browser.visit(callback)).rejects.toThrow();
    expect(stage.errors).toEqual([expect.objectContaining({ code: "token_network" })]);
  });

  it("works with those that wrap the writing of an answer", async () => {
    await open({
      before: (app) => {
        app.use((_request, response, next) => {
          const { writeHead, end } = response;
          response.writeHead = ((...args: Parameters<typeof writeHead>) => {
            response.setHeader("X-Wrapped", "yes");
            return writeHead.apply(response, args);
          }) as typeof writeHead;
          response.end = ((...args: Parameters<typeof end>) => end.apply(response, args)) as typeof end;
          next();
        });
      },
    });
    const browser = stage.browser();
    const page = await browser.signIn("?returnTo=/there");
    expect([page.to, page.headers["x-wrapped"]]).toEqual(["/there", "yes"]);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
  });

  it.each([
    ["text", () => express.text({ type: "*/*" })],
    ["bytes", () => express.raw({ type: "*/*" })],
    ["JSON", () => express.json({ type: "application/json" })],
  ])("takes no returnTo of a body that was read as %s", async (_what, parser) => {
    await open({ before: (app) => void app.use(parser()) });
    const browser = stage.browser();
    await browser.signIn();
    expect((await browser.visit("/auth/logout", { form: { returnTo: "/there" } })).to).toBe("/");
    expect((await whoIs(browser)).isSignedIn).toBe(false);
  });

  it("ends at a query that no parser was to read", async () => {
    await open({ before: (app) => void app.set("query parser", false) });
    expect((await stage.browser().signIn("?returnTo=/there")).to).toBe("/there");
  });
});
