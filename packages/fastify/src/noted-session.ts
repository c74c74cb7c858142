import type { LoginSession } from "@talkdesk-oauth/login";
import type { FastifyRequest } from "fastify";

/** The session of each request that asked a login. The end of a loop of logins is decided by it. */
export const notedSessions: WeakMap<FastifyRequest, LoginSession> = new WeakMap();
