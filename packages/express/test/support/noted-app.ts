import { connect } from "node:net";
import type { TokenSource } from "@talkdesk-oauth/core";
import { talkdesk } from "@talkdesk-oauth/express";
import type { Request, Response } from "express";
import { type App, openApp, signalled } from "./app.js";
import type { Framework } from "./served.js";

/** An app that notes, for each path, when it is asked for and how the work for it ends. */
export interface NotedApp extends App {
  /** Resolves when the handler for a path has begun. */
  arrival(path: string): Promise<void>;
  /** How the work for a path ended: the name of its error, the status of an answer, or "a token". */
  end(path: string): Promise<unknown>;
  /** A client that asks and reads nothing. It goes away when told. */
  openClient(path: string): { leave(): void };
}

/** Answers nothing by itself: that is the work's. */
export async function openNotedApp(
  framework: Framework,
  source: TokenSource,
  work: (request: Request, response: Response) => Promise<unknown>,
): Promise<NotedApp> {
  const notes = new Map<string, ReturnType<typeof note>>();
  const noteOf = (path: string): ReturnType<typeof note> => {
    const known = notes.get(path) ?? note();
    notes.set(path, known);
    return known;
  };
  const app = await openApp(framework, (app) => {
    app.use(talkdesk(source));
    app.use((request, response) => {
      const { arrived, ended } = noteOf(request.path);
      arrived.give();
      void outcome(work(request, response)).then(ended.give);
    });
  });
  return {
    ...app,
    arrival: (path) => noteOf(path).arrived.given,
    end: (path) => noteOf(path).ended.given,
    openClient(path) {
      const { hostname, port } = new URL(app.origin);
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on("error", () => {});
      socket.pause();
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
      return { leave: () => void socket.destroy() };
    },
  };
}

const note = () => ({ arrived: signalled(), ended: signalled<unknown>() });

/** The name of its error, the status of an answer, or "a token". */
export const outcome = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => (value instanceof globalThis.Response ? value.status : "a token"),
    (error: unknown) => (error as Error).name,
  );
