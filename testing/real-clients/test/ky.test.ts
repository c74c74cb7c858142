import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import ky, { HTTPError } from "ky";
import { describeClient } from "./support/describe-client.js";
import { fileForm } from "./support/file-form.js";

describeClient(
  "ky",
  ({ source, api }) => {
    const client = ky.create({ fetch: talkdeskFetch(source), prefixUrl: api, retry: { delay: () => 0 } });
    return {
      listContacts: (signal) => client.get("contacts", signal && { signal }).json(),
      addContact: (name) => client.post("contacts", { json: { name } }).json(),
      upload: (title) => client.post("echo", { body: fileForm(title) }).json(),
    };
  },
  {
    replaysForms: true,
    retries: true,
    abortErrorName: "AbortError",
    statusIn: (error) => error instanceof HTTPError && error.response.status,
  },
);
