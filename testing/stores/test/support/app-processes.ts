import type { AccessToken, ClosableTokenSource, TokenStore, UserSession } from "@talkdesk-oauth/core";
import { redisStore } from "@talkdesk-oauth/redis";
import type { ConnectedClient } from "./redis-clients.js";
import type { RegisteredApp, SourceOptions } from "./registered-app.js";

/** Processes of one app: each source and each store has a connection of its own to Redis. */
export interface AppProcesses {
  openStore(): TokenStore;
  openSession(options?: Partial<SourceOptions>): UserSession;
  openProgram(options?: Omit<SourceOptions, "store">): ClosableTokenSource;
  /** A user logs in, in a process that then ends. */
  logIn(key?: string): Promise<AccessToken>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function appProcesses(app: RegisteredApp, connect: () => ConnectedClient): AppProcesses {
  const connections: ConnectedClient[] = [];
  const sources: ClosableTokenSource[] = [];
  const openStore = (): TokenStore => {
    const connection = connect();
    connections.push(connection);
    return redisStore({ client: connection.client });
  };
  const keep = <Source extends ClosableTokenSource>(source: Source): Source => {
    sources.push(source);
    return source;
  };
  const openSession: AppProcesses["openSession"] = ({ store = openStore(), ...options } = {}) =>
    keep(app.openSession({ store, ...options }));
  return {
    openStore,
    openSession,
    openProgram: (options = {}) => keep(app.openProgram({ store: openStore(), ...options })),
    async logIn(key) {
      const token = await app.logIn();
      const session = openSession(key === undefined ? {} : { key });
      await session.start(token);
      await session.close();
      return token;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(sources.map((source) => source.close()));
      for (const connection of connections) connection.close();
    },
  };
}
