import type { AccessToken } from "@talkdesk-oauth/core";
import {
  type RequestTalkdesk,
  requireLogin,
  type TalkdeskLogin,
  talkdesk,
  talkdeskErrorHandler,
  talkdeskPlugin,
} from "@talkdesk-oauth/fastify";
import Fastify, { type FastifyRequest, type FastifyTypeProvider } from "fastify";
import { describe, expectTypeOf, it } from "vitest";
import { sourceOf } from "./support/sources.js";

declare const login: TalkdeskLogin;

/** As that of TypeBox and others: it gives handlers the types of their schemas. */
interface OwnProvider extends FastifyTypeProvider {
  readonly validator: this["schema"];
}

// Checked by the compiler; at run time there is nothing to see.
describe("the types", () => {
  it("of a request", () => {
    expectTypeOf<FastifyRequest["talkdesk"]>().toEqualTypeOf<RequestTalkdesk>();
    expectTypeOf<ReturnType<RequestTalkdesk["getToken"]>>().resolves.toEqualTypeOf<AccessToken>();
  });

  it("fit apps with routes, schemas and type providers of their own", () => {
    const build = async (): Promise<void> => {
      const app = Fastify({ logger: true }).withTypeProvider<OwnProvider>();
      await app.register(talkdeskPlugin, { login, prefix: "/auth", logLevel: "warn" });
      app.register(login, { prefix: "/partner/auth" });
      app.setErrorHandler(talkdeskErrorHandler({ login: "/auth/login" }));
      app.get<{ Params: { id: string } }>("/:id", { preHandler: requireLogin() }, async (request) => {
        expectTypeOf(request.params.id).toEqualTypeOf<string>();
        return (await request.talkdesk.fetch("/contacts")).json();
      });
      app.addHook("onRequest", talkdesk(sourceOf("a")));
    };
    expectTypeOf(build).toBeFunction();
  });

  it("refuse what is no source and no login", () => {
    const build = async (): Promise<void> => {
      // @ts-expect-error
      talkdesk("token");
      // @ts-expect-error
      await Fastify().register(talkdeskPlugin, { login: "/auth/login" });
      // @ts-expect-error
      requireLogin({ logins: "/auth/login" });
    };
    expectTypeOf(build).toBeFunction();
  });
});
