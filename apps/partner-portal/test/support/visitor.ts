import { request } from "node:http";

/** An answer, read. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** What a visitor sends. */
interface Visit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>;
}

/** Somebody who visits the portal over bare HTTP and keeps its cookies. */
export interface Visitor {
  readonly cookies: Map<string, string>;
  /** The `Set-Cookie` lines received, in order. */
  readonly cookieLines: string[];
  /** Sends one request and follows no redirect. */
  visit(address: string, visit?: Visit): Promise<Answer>;
  /** Goes through the login, over Talkdesk and back; gives what the callback answered. */
  signIn(returnTo?: string): Promise<Answer>;
}

/** Makes a visitor without any cookie. */
export function visitor(origin: string): Visitor {
  const cookies = new Map<string, string>();
  const cookieLines: string[] = [];

  async function visit(address: string, { method, headers = {}, form }: Visit = {}): Promise<Answer> {
    const url = new URL(address, origin);
    const isPortal = url.origin === origin;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const body = form && String(new URLSearchParams(form));
    const answer = await send(url, {
      method: method ?? (form ? "POST" : "GET"),
      headers: {
        accept: "text/html",
        ...(isPortal && cookie !== "" && { cookie }),
        ...(body !== undefined && { "content-type": "application/x-www-form-urlencoded" }),
        ...headers,
      },
      body,
    });
    for (const line of isPortal ? [answer.headers["set-cookie"] ?? []].flat() : []) {
      cookieLines.push(line);
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  }

  return {
    cookies,
    cookieLines,
    visit,
    async signIn(returnTo = "/") {
      const start = await visit(`/auth/login?${new URLSearchParams({ returnTo })}`);
      const consent = await visit(locationOf(start));
      return visit(locationOf(consent));
    },
  };
}

/** Where an answer redirects to. */
export function locationOf({ headers, status }: Answer): string {
  const { location } = headers;
  if (typeof location !== "string") throw new Error(`the answer ${status} redirects nowhere`);
  return location;
}

interface Sent {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

// Not fetch, which neither lets a test say where it comes from nor shows what a connection that broke had brought.
function send(url: URL, { method, headers, body }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString("utf8"),
        });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
