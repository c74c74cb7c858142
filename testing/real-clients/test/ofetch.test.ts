import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { createFetch, FetchError } from "ofetch";
import { describeClient } from "./support/describe-client.js";
import { fileForm } from "./support/file-form.js";

describeClient(
  "ofetch",
  ({ source }) => {
    const client = createFetch({ fetch: talkdeskFetch(source), Headers, AbortController });
    return {
      listContacts: (signal) => client("/contacts", signal && { signal }),
      addContact: (name) => client("/contacts", { method: "POST", body: { name } }),
      upload: (title) => client("/echo", { method: "POST", body: fileForm(title) }),
    };
  },
  {
    replaysForms: true,
    retries: true,
    // ofetch wraps the error of fetch.
    abortErrorName: "FetchError",
    statusIn: (error) => error instanceof FetchError && error.status,
  },
);
