import { Agent, type IncomingHttpHeaders, request } from "node:http";

/** An answer, read. */
interface Page {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Where a redirect leads: a path on the app's origin, a whole address elsewhere. */
  readonly to: string | undefined;
}

/** What a browser sends with a request. */
interface Visit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>;
}

/** A browser as far as an app sees it: it keeps cookies, by name, and says what it would like to read. */
export interface Browser {
  readonly cookies: Map<string, string>;
  /** The `Set-Cookie` lines received, in order. */
  readonly cookieLines: string[];
  /** Sends one request and follows no redirect. */
  visit(address: string, visit?: Visit): Promise<Page>;
  /** Begins a login and goes to Talkdesk; gives the address that Talkdesk sends the browser back to. */
  toTalkdesk(query?: string): Promise<string>;
  /** Goes through a login; gives what the callback answered. */
  signIn(query?: string): Promise<Page>;
}

/** What browsers say of a page that somebody opens. */
const NAVIGATION = {
  accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
};

/** Opens a browser without any cookie. */
export function openBrowser(origin: string, mount = "/auth"): Browser {
  const cookies = new Map<string, string>();
  const cookieLines: string[] = [];
  const agent = new Agent();

  async function visit(address: string, { method, headers = {}, form }: Visit = {}): Promise<Page> {
    const isApp = new URL(address, origin).origin === origin;
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const page = await send(new URL(address, origin), {
      method: method ?? (form ? "POST" : "GET"),
      agent,
      path: address.startsWith("/") ? address : undefined,
      headers: {
        ...NAVIGATION,
        ...(isApp && cookie !== "" && { cookie }),
        ...(form && { "content-type": "application/x-www-form-urlencoded" }),
        ...headers,
      },
      body: form && String(new URLSearchParams(form)),
    });
    if (isApp) {
      for (const line of page.headers["set-cookie"] ?? []) {
        cookieLines.push(line);
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        cookies.set(name, value);
      }
    }
    const { location } = page.headers;
    return { ...page, to: location?.startsWith(origin) ? location.slice(origin.length) : location };
  }

  async function toTalkdesk(query = ""): Promise<string> {
    const begun = await visit(`${mount}/login${query}`);
    if (begun.status !== 302) throw new Error(`the login answered ${begun.status}: ${begun.text}`);
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

function send(
  url: URL,
  options: {
    readonly method: string;
    readonly agent: Agent;
    readonly path: string | undefined;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | undefined;
  },
): Promise<Omit<Page, "to">> {
  const { path = `${url.pathname}${url.search}`, body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const sent = request({ hostname: url.hostname, port: url.port, path, ...rest }, (response) => {
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
