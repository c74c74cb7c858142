import type { LoginSession } from "@talkdesk-oauth/login";
import type { FastifyRequest } from "fastify";

/** The session that a login was asked with, for each request: answers that lead to a login depend on it. */
export const notedSessions: WeakMap<FastifyRequest, LoginSession> = new WeakMap();
