import type { FastifyContextConfig, FastifyRequest } from "fastify";

const MARK = Symbol("a route of a login");

/** The `config` of a login's routes. */
export const loginRouteConfig = (): FastifyContextConfig => ({ [MARK]: true }) as FastifyContextConfig;

/** True for a request to a route of a login. Hooks of the scopes around run for it, too, in whatever order they are added. */
export const isForLogin = ({ routeOptions }: FastifyRequest): boolean => MARK in Object(routeOptions.config);
