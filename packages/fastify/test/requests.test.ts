import { connect } from "node:net";
import { TalkdeskError } from "@talkdesk-oauth/core";
import { talkdeskErrorHandler, talkdeskPlugin } from "@talkdesk-oauth/fastify";
import Fastify, { type FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { hangingSource, sourceOf } from "./support/sources.js";

/** Begins a request that reads nothing, on a connection of its own. */
async function openClient(app: FastifyInstance, path: string): Promise<{ leave(): void }> {
  const { port } = new URL(await app.listen({ port: 0, host: "127.0.0.1" }));
  const socket = connect({ port: Number(port), host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return { leave: () => void socket.destroy() };
}

describe("a client that disconnects", () => {
  it("ends the wait for a token of its request", async () => {
    const { source, asked } = hangingSource();
    const app = Fastify();
    await app.register(talkdeskPlugin, { source });
    const ended = new Promise<unknown>((resolve) => {
      app.get("/", (request, reply) => {
        request.talkdesk.getToken().catch((error: Error) => {
          resolve(error.name);
          return reply.send();
        });
      });
    });
    const client = await openClient(app, "/");
    await asked;
    client.leave();
    expect(await ended).toBe("AbortError");
    await app.close();
  });

  it("leaves alone what is done after the response was finished", async () => {
    const app = Fastify();
    await app.register(talkdeskPlugin, { source: sourceOf("a") });
    const ended = new Promise<unknown>((resolve) => {
      app.get("/", (request, reply) => {
        reply.raw.once("close", () =>
          request.talkdesk.getToken().then(({ value }) => resolve(value), resolve),
        );
        reply.send("done");
      });
    });
    const client = await openClient(app, "/");
    expect(await ended).toBe("a");
    client.leave();
    await app.close();
  });
});

describe("talkdeskErrorHandler()", () => {
  const unavailable = new TalkdeskError("token_unavailable", "The token endpoint is down.");

  it("answers in place of what the handler had begun, and keeps its cookies", async () => {
    const app = Fastify();
    app.setErrorHandler(talkdeskErrorHandler());
    app.get("/", async (_request, reply) => {
      reply.header("Content-Disposition", "attachment").header("ETag", '"1"').header("Set-Cookie", "own=1");
      throw new Error("wrapped", { cause: unavailable });
    });
    const { statusCode, headers } = await app.inject("/");
    expect(statusCode).toBe(503);
    expect(headers).toMatchObject({ "content-type": "application/problem+json", "set-cookie": "own=1" });
    expect(headers).not.toHaveProperty("etag");
    expect(headers).not.toHaveProperty("content-disposition");
  });

  it("leaves other errors to the scope around, and in the end to Fastify", async () => {
    const app = Fastify();
    app.get("/plain", async () => "");
    app.register(async (scope) => {
      scope.setErrorHandler(talkdeskErrorHandler());
      scope.get("/own", async () => {
        throw Object.assign(new Error("mine"), { statusCode: 409 });
      });
    });
    expect((await app.inject("/own")).json()).toEqual({
      statusCode: 409,
      error: "Conflict",
      message: "mine",
    });

    const around = Fastify();
    around.setErrorHandler((error: Error, _request, reply) => reply.code(418).send(error.message));
    around.register(async (scope) => {
      scope.setErrorHandler(talkdeskErrorHandler());
      scope.get("/own", async () => {
        throw new Error("mine");
      });
    });
    const answer = await around.inject("/own");
    expect([answer.statusCode, answer.body]).toEqual([418, "mine"]);
  });

  it("leaves other errors to otherwise, and errors after the headers were sent", async () => {
    const errors: unknown[] = [];
    const app = Fastify();
    app.setErrorHandler(
      talkdeskErrorHandler({
        otherwise(error, _request, reply) {
          errors.push(error);
          if (!reply.raw.headersSent) return reply.code(500).send("own");
          reply.hijack();
          reply.raw.end();
          return reply;
        },
      }),
    );
    const own = new Error("mine");
    app.get("/own", async () => {
      throw own;
    });
    app.get("/late", async (_request, reply) => {
      reply.raw.writeHead(200).write("begun");
      throw unavailable;
    });
    expect((await app.inject("/own")).body).toBe("own");
    expect((await app.inject("/late")).body).toBe("begun");
    expect(errors).toEqual([own, unavailable]);
  });

  it.each([
    ["login", { login: "auth/login" }],
    ["otherwise", { otherwise: 500 }],
    ["unknown", { unknown: true }],
  ])("refuses %s", (name, options) => {
    expect(() => talkdeskErrorHandler(options as object)).toThrow(TypeError);
    expect(() => talkdeskErrorHandler(options as object)).toThrow(name);
  });
});
