/** A browser with one window: it keeps cookies, and follows redirects from origin to origin. */
export class Browser {
  readonly #cookies = new Map<string, string>();

  /** Sends one request, as a page of the browser would. */
  async send(url: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("cookie", [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(name, value);
    }
    return response;
  }

  /** Opens a page, and follows redirects to the last one. */
  async open(url: string): Promise<Response> {
    const response = await this.send(url, { headers: { accept: "text/html" } });
    const location = response.headers.get("location");
    if (location === null) return response;
    await response.arrayBuffer();
    return this.open(new URL(location, url).href);
  }
}
