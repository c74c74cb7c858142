import { inspect } from "node:util";
import { clientSecretBasic } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskErrorHandler } from "@talkdesk-oauth/express";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ACCEPT, openApp, startTalkdesk, type TalkdeskStage } from "./support/app.js";
import { frameworks, passing } from "./support/served.js";

/** Everything that any common way to show a value shows of it, and of what it holds. */
function shown(value: unknown): string {
  const everything = {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,

    maxStringLength: null,
  };
  const parts: string[] = [];
  const attempt = (show: () => unknown): void => {
    try {
      parts.push(String(show()));
    } catch {
      // Some have no text, and some go in circles.
    }
  };
  const seen = new Set<unknown>();
  const visit = (part: unknown): void => {
    attempt(() => part);
    if (seen.has(part) || Object(part) !== part) return;
    seen.add(part);
    attempt(() => JSON.stringify(part));
    attempt(() => inspect(part));
    attempt(() => inspect(part, everything));
    attempt(() => inspect(part, { ...everything, customInspect: false }));
    attempt(() => inspect({ ...(part as object) }, everything));
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(part))) visit(value);
  };
  visit(value);
  return parts.join("\n");
}

let stage: TalkdeskStage;
beforeAll(async () => {
  stage = await startTalkdesk();
});
afterAll(() => stage[Symbol.asyncDispose]());

describe.each(frameworks)("a secret, in %s,", (_name, framework) => {
  it("is in no inspection of a request's tokens, of middleware or of an error, and in no answer", async () => {
    const written: string[] = [];
    for (const name of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, name).mockImplementation((...args) => void written.push(shown(args)));
    }
    const { talkdesk: emulator } = stage;
    const secrets = new Set<string>([stage.clientSecret]);
    const source = stage.source();
    const refused = stage.source({
      authentication: clientSecretBasic({ clientId: "nobody", clientSecret: "canary-of-a-client-secret" }),
    });
    secrets.add("canary-of-a-client-secret");
    const sources = { "/source": source, "/refused": refused };
    const middleware = [talkdesk(source), talkdesk(() => source), requireLogin(), talkdeskErrorHandler()];
    const seen: string[] = [];
    const answers: string[] = [];
    try {
      await using app = await openApp(framework, (app) => {
        app.use(talkdesk(({ path }) => sources[path as keyof typeof sources] ?? source));
        app.use(
          passing(async (request, response) => {
            const { talkdesk } = request;
            try {
              const token = await talkdesk.getToken();
              secrets.add(token.value).add(token.authorization);
              const rejected = await talkdesk.getToken({ rejected: token }).catch(() => token);
              secrets.add(rejected.value);
              seen.push(shown(token), shown(await talkdesk.fetch("/contacts")));
              if (request.path === "/fails") throw await talkdesk.getToken({ signal: AbortSignal.abort() });
            } catch (error) {
              seen.push(shown(error));
              throw error;
            } finally {
              seen.push(shown(talkdesk), inspect(request), inspect(response));
            }
            response.json(talkdesk);
          }),
        );
        app.use(talkdeskErrorHandler());
      });
      const echo = (text: string): Parameters<typeof emulator.faults.add>[0] => ({
        at: "token",
        respond: {
          status: 401,
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ error: "invalid_client", error_description: text }),
        },
      });
      for (const accept of [ACCEPT.json, ACCEPT.chrome]) {
        const ask = async (path: string): Promise<number> => {
          const { status, headers, text } = await app.ask(path, { headers: { accept } });
          answers.push(JSON.stringify(headers), text);
          return status;
        };
        expect(await ask("/source")).toBe(200);
        emulator.faults.add(echo("you sent canary-of-a-client-secret"));
        expect(await ask("/refused")).toBe(502);
        expect(await ask("/refused")).toBe(502);
        expect(await ask("/fails")).toBe(500);
      }
      seen.push(...middleware.map(shown), ...app.errors.map(shown));
    } finally {
      vi.restoreAllMocks();
    }
    expect(secrets.size).toBeGreaterThan(4);
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(15);
      for (const [channel, texts] of Object.entries({ seen, answers, written })) {
        expect(texts.join("\n").includes(secret), channel).toBe(false);
      }
    }
  });

  it("is found by these checks where it is shown", () => {
    expect(shown({ nested: [{ token: "canary" }] })).toContain("canary");
    expect(shown(Object.defineProperty({}, "hidden", { value: "canary" }))).toContain("canary");
    expect(shown(new Error("text", { cause: { deep: "canary" } }))).toContain("canary");
  });
});
