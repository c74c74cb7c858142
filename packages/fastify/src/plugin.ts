import type { TokenSource } from "@talkdesk-oauth/core";
import { checkOptionNames } from "@talkdesk-oauth/login";
import type { FastifyPluginAsync, RegisterOptions } from "fastify";
import fastifyPlugin from "fastify-plugin";
import type { TalkdeskLogin } from "./login.js";
import { type SourceOfRequest, talkdesk } from "./talkdesk.js";

/** Options of {@link talkdeskPlugin}: `login` or `source`, and for a login where it is mounted. */
export interface TalkdeskPluginOptions extends RegisterOptions {
  /** The login whose routes are mounted beneath `prefix`, and whose user's tokens requests get. */
  readonly login?: TalkdeskLogin;
  /** Where tokens come from in an app without a login: a token source, or a function of the request that gives one. */
  readonly source?: TokenSource | SourceOfRequest;
}

const NAMES: readonly (keyof TalkdeskPluginOptions)[] = [
  "login",
  "source",
  "prefix",
  "logLevel",
  "logSerializers",
];

const register: FastifyPluginAsync<TalkdeskPluginOptions> = async (app, options) => {
  checkOptionNames("talkdeskPlugin", options, NAMES);
  const { login, source = login?.source, ...placement } = options;
  if (source === undefined || (login !== undefined && options.source !== undefined)) {
    throw new TypeError("talkdeskPlugin needs one of its options login and source.");
  }
  const hook = talkdesk(source);
  // Null until the hook has run: requireLogin() tells "nobody has looked yet" from "nobody is signed in" by it.
  if (!app.hasRequestDecorator("talkdesk")) app.decorateRequest("talkdesk", null as never);
  app.addHook("onRequest", hook);
  if (login !== undefined) app.register(login, placement);
};

/**
 * Puts `request.talkdesk` on each request of the scope that it is registered in, and of the scopes within: the tokens of
 * the user who is signed in by `login`, or those of `source`. Mounts the routes of `login` beneath `prefix`.
 *
 * Register it after `@fastify/session`, if the app has it, and before the routes that need it. An app with another login
 * mounts its routes by `app.register(other, { prefix })`.
 *
 * @throws TypeError (rejection of `register`) for neither or both of `login` and `source`, and for an unknown option.
 * @example
 * await app.register(talkdeskPlugin, { login, prefix: "/auth" });
 * app.get("/contacts", { preHandler: requireLogin() }, async (request) =>
 *   (await request.talkdesk.fetch("/contacts")).json(),
 * );
 */
export const talkdeskPlugin: FastifyPluginAsync<TalkdeskPluginOptions> = fastifyPlugin(register, {
  fastify: "5.x",
  name: "@talkdesk-oauth/fastify",
});
