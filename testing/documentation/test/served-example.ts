/** Waits until an app listens, and no longer than its example may run. */
export async function listens(origin: string): Promise<void> {
  while (
    !(await fetch(origin, { redirect: "manual" }).then(
      () => true,
      () => false,
    ))
  ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Opens a page as a browser does: it follows redirects, to Talkdesk's login and back, and keeps the cookies of each host.
 *
 * @returns What was read in the end, and over how many redirects.
 */
export async function browse(
  address: string,
): Promise<{ readonly status: number; readonly text: string; readonly redirects: number }> {
  const cookies = new Map<string, Map<string, string>>();
  let url = new URL(address);
  for (let redirects = 0; redirects < 10; redirects++) {
    const jar = cookies.get(url.host) ?? new Map<string, string>();
    cookies.set(url.host, jar);
    const response = await fetch(url, {
      redirect: "manual",
      headers: { accept: "text/html", cookie: [...jar].map((pair) => pair.join("=")).join("; ") },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    const location = response.headers.get("location");
    const text = await response.text();
    if (location === null) return { status: response.status, text, redirects };
    url = new URL(location, url);
  }
  throw new Error(`${address} redirects without end`);
}
