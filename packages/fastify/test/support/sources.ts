import { accessToken, type TokenSource } from "@talkdesk-oauth/core";

/** A source that always gives one token. */
export const sourceOf = (value: string): TokenSource => ({
  api: "https://api.talkdeskapp.eu",
  async getToken() {
    return accessToken({ value, expiresAt: Date.now() + 600_000 });
  },
});

/** A source whose waits last until they are aborted. It says when it is asked. */
export function hangingSource(): { readonly source: TokenSource; readonly asked: Promise<void> } {
  let noteAsked = (): void => {};
  const asked = new Promise<void>((resolve) => {
    noteAsked = resolve;
  });
  const source: TokenSource = {
    api: "https://api.talkdeskapp.eu",
    getToken(request) {
      noteAsked();
      return new Promise((_resolve, reject) => {
        request?.signal?.addEventListener("abort", () => reject(request.signal?.reason));
      });
    },
  };
  return { source, asked };
}
