import { Agent, type IncomingHttpHeaders, request } from "node:http";

/** An answer, read. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Where a redirect leads: a path in the app, a whole address elsewhere. */
  readonly to: string | undefined;
}

/** How to send a request. Default: as a browser that opens a page. */
export interface Visit {
  readonly method?: string;
  /** Headers that are added to a browser's own, or replace them; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Sent as a form. The method is POST, then. */
  readonly form?: Readonly<Record<string, string>>;
  /** Makes the browser leave before the answer has come. */
  readonly signal?: AbortSignal;
}

/** A browser, as far as an app sees it. */
export interface Browser {
  /** By name. */
  readonly cookies: Map<string, string>;
  /** The `Set-Cookie` lines that gave a cookie, in order; not those that removed one. */
  readonly cookieLines: string[];
  /** Sends one request, and follows no redirect. */
  visit(address: string, visit?: Visit): Promise<Answer>;
  /** Begins a login and goes to Talkdesk. Gives the address that Talkdesk sends the browser back to. */
  toTalkdesk(query?: string): Promise<string>;
  /** Goes through a login. Gives the answer of the callback. */
  signIn(query?: string): Promise<Answer>;
}

/** The `Accept` headers of browsers and programs. */
export const ACCEPT = {
  chrome:
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
  firefox: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  safari: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  anything: "*/*",
  json: "application/json",
  axios: "application/json, text/plain, */*",
  problem: "application/problem+json",
  image: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
} as const;

/** A request as a program sends it. */
export const asProgram: Visit = { headers: { accept: ACCEPT.json } };

/** Where a browser finds an app. */
export interface AppAddress {
  /** Where the app listens. */
  readonly origin: string;
  /** The origin in the address bar. Requests to it go to `origin`. */
  readonly publicOrigin: string;
  /** Where the login is, as browsers see it. */
  readonly mount: string;
}

/** Opens a browser without any cookie. */
export function openBrowser({ origin, publicOrigin, mount }: AppAddress): Browser {
  const cookies = new Map<string, string>();
  const cookieLines: string[] = [];
  const agent = new Agent();

  async function visit(address: string, { method, headers, form, signal }: Visit = {}): Promise<Answer> {
    const url = new URL(address, publicOrigin);
    const isApp = url.origin === publicOrigin || url.origin === origin;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await send({
      to: new URL(isApp ? origin : url.origin),
      // A path goes out as it is written, however odd it may be.
      path: address.startsWith("/") ? address : `${url.pathname}${url.search}`,
      method: method ?? (form ? "POST" : "GET"),
      agent,
      signal,
      headers: present({
        accept: ACCEPT.firefox,
        ...(isApp && cookie !== "" && { cookie }),
        ...(form && { "content-type": "application/x-www-form-urlencoded" }),
        ...headers,
      }),
      body: form && String(new URLSearchParams(form)),
    });
    if (isApp) {
      for (const line of answer.headers["set-cookie"] ?? []) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (isExpired(line)) {
          cookies.delete(name);
        } else {
          cookieLines.push(line);
          cookies.set(name, value);
        }
      }
    }
    const { location } = answer.headers;
    const own = [publicOrigin, origin].find((each) => location?.startsWith(`${each}/`));
    return { ...answer, to: own === undefined ? location : location?.slice(own.length) };
  }

  async function toTalkdesk(query = ""): Promise<string> {
    const begun = await visit(`${mount}/login${query}`);
    if (begun.status !== 302) throw new Error(`The login answered ${begun.status}: ${begun.text}`);
    const back = await visit(begun.to ?? "");
    if (back.to === undefined) throw new Error(`Talkdesk answered ${back.status}: ${back.text}`);
    return back.to;
  }

  return {
    cookies,
    cookieLines,
    visit,
    toTalkdesk,
    signIn: async (query) => visit(await toTalkdesk(query)),
  };
}

const present = (headers: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

/** True for a `Set-Cookie` that removes the cookie. */
const isExpired = (line: string): boolean =>
  /;\s*max-age=0/i.test(line) || Date.parse(/;\s*expires=([^;]+)/i.exec(line)?.[1] ?? "") < Date.now();

function send({
  to,
  body,
  signal,
  ...options
}: {
  readonly to: URL;
  readonly path: string;
  readonly method: string;
  readonly agent: Agent;
  readonly signal: AbortSignal | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}): Promise<Omit<Answer, "to">> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = to;
    const sent = request({ hostname, port, ...options, ...(signal && { signal }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
