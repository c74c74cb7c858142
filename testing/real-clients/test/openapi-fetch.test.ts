import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import createClient from "openapi-fetch";
import { describeClient } from "./support/describe-client.js";
import { fileForm } from "./support/file-form.js";
import type { paths } from "./support/gateway-paths.js";

/** Resolves to the data of a result of openapi-fetch, or rejects with its error. */
async function dataOf<Data>(
  call: Promise<{ readonly data?: Data; readonly error?: unknown; readonly response: Response }>,
): Promise<Data> {
  const { data, response } = await call;
  if (data === undefined) throw Object.assign(new Error("No data."), { status: response.status });
  return data;
}

describeClient(
  "openapi-fetch",
  ({ source, api }) => {
    const client = createClient<paths>({ baseUrl: api, fetch: talkdeskFetch(source) });
    return {
      listContacts: (signal) => dataOf(client.GET("/contacts", signal && { signal })),
      addContact: (name) => dataOf(client.POST("/contacts", { body: { name } })),
      upload: (title) =>
        dataOf(
          client.POST("/echo", {
            body: { title, file: "" },
            bodySerializer: () => fileForm(title),
          }),
        ),
    };
  },
  {
    replaysForms: true,
    retries: false,
    abortErrorName: "AbortError",
    statusIn: (error) => (error as { status?: unknown }).status,
  },
);
