import type { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type FrameworkApp, load } from "./framework-apps.js";

/** Answers a request as the framework would, with the files of the page. */
export type Answer = (request: Request) => Promise<Response>;

/** A handler that a file of the page exports. What it takes and gives is the framework's affair. */
type Handler = (...values: readonly unknown[]) => unknown;

const notFound = (): Response => new Response("Not found", { status: 404 });

/** What an error leads to that a framework's `redirect()` or `error()` has thrown. */
function thrownAnswer(error: unknown): Response {
  const { status, location } = Object(error) as { status?: number; location?: string };
  if (status === undefined) throw error;
  return new Response(null, { status, ...(location !== undefined && { headers: { location } }) });
}

async function next(app: FrameworkApp): Promise<Answer> {
  const route = (await load(app, "app/auth/[action]/route.js")) as Record<string, Handler>;
  const page = (await load(app, "app/contacts/page.js"))["default"] as Handler;
  const { requests } = await load(app, "node_modules/next/headers.js");
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (/^\/auth\/[^/]+$/.test(pathname)) return (await route[request.method]?.(request)) as Response;
    if (pathname !== "/contacts") return notFound();
    try {
      const html = await (requests as AsyncLocalStorage<Request>).run(request, async () => page());
      return new Response(html as string, { headers: { "content-type": "text/html" } });
    } catch (error) {
      return thrownAnswer(error);
    }
  };
}

async function reactRouter(app: FrameworkApp): Promise<Answer> {
  const { loader, action } = (await load(app, "app/routes/auth.$.js")) as Record<string, Handler>;
  const { loader: loadPage } = (await load(app, "app/routes/contacts.js")) as Record<string, Handler>;
  return async (request) => {
    const { pathname } = new URL(request.url);
    const isReading = request.method === "GET" || request.method === "HEAD";
    if (pathname.startsWith("/auth/"))
      return (await (isReading ? loader : action)?.({ request })) as Response;
    if (pathname !== "/contacts") return notFound();
    try {
      return Response.json(await loadPage?.({ request }));
    } catch (error) {
      if (error instanceof Response) return error;
      throw error;
    }
  };
}

async function svelteKit(app: FrameworkApp): Promise<Answer> {
  const { handle } = (await load(app, "src/hooks.server.js")) as Record<string, Handler>;
  const { load: loadPage } = (await load(app, "src/routes/contacts/+page.server.js")) as Record<
    string,
    Handler
  >;
  return async (request) => {
    const resolve = async (event: { readonly url: URL }): Promise<Response> => {
      if (event.url.pathname !== "/contacts") return notFound();
      try {
        return Response.json(await loadPage?.(event));
      } catch (error) {
        return thrownAnswer(error);
      }
    };
    return (await handle?.({ event: { request, url: new URL(request.url) }, resolve })) as Response;
  };
}

async function workers(app: FrameworkApp): Promise<Answer> {
  const worker = (await load(app, "src/index.js"))["default"] as { fetch: Handler };
  return async (request) => (await worker.fetch(request, { ...process.env })) as Response;
}

async function nodeHttp(app: FrameworkApp, stop: (work: () => void) => void): Promise<Answer> {
  const server = (await load(app, "server.js"))["server"] as Server;
  stop(() => server.close());
  if (!server.listening) await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    return fetch(`http://127.0.0.1:${port}${pathname}${search}`, { method, headers, redirect: "manual" });
  };
}

async function koa(app: FrameworkApp): Promise<Answer> {
  const { talkdeskLogin, contacts } = (await load(app, "login.js")) as Record<string, Handler>;
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const headers = new Headers();
    const context = {
      method: request.method,
      url: `${pathname}${search}`,
      path: pathname,
      headers: Object.fromEntries(request.headers),
      status: 404,
      body: "Not Found",
      set(name: string, value: string | readonly string[]) {
        headers.delete(name);
        for (const each of [value].flat()) headers.append(name, each);
      },
    };
    await talkdeskLogin?.(context, () => contacts?.(context, async () => {}));
    return new Response(context.body, { status: context.status, headers });
  };
}

/** The frameworks of the page, by the headings of its sections. */
export const drivers: Readonly<
  Record<string, (app: FrameworkApp, stop: (work: () => void) => void) => Promise<Answer>>
> = {
  Next: next,
  "React Router and Remix": reactRouter,
  SvelteKit: svelteKit,
  "Cloudflare Workers": workers,
  "node:http": nodeHttp,
  Koa: koa,
};
