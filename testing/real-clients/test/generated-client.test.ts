import { fileURLToPath } from "node:url";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import axios from "axios";
import { generate } from "openapi-typescript-codegen";
import { afterEach } from "vitest";
import { describeClient } from "./support/describe-client.js";

interface Cancelable<Value> extends Promise<Value> {
  cancel(): void;
}

/** The parts of the generated client that are used here. */
interface Generated {
  readonly GatewayClient: new (config: {
    readonly BASE: string;
  }) => {
    readonly contacts: {
      listContacts(): Cancelable<{ page: number }>;
      addContact(draft: { name: string }): Cancelable<{ id: string; name: string }>;
    };
    readonly echo: { upload(status: number, form: { title: string; file: string }): Cancelable<unknown> };
  };
}

const output = fileURLToPath(new URL("../dist/generated-client", import.meta.url));
await generate({
  input: fileURLToPath(new URL("support/gateway.openapi.json", import.meta.url)),
  output,
  httpClient: "axios",
  clientName: "GatewayClient",
});
const { GatewayClient } = (await import(`${output}/index.ts`)) as Generated;

afterEach(() => axios.interceptors.request.clear());

describeClient(
  "a client that openapi-typescript-codegen makes for axios",
  ({ source }) => {
    // The generated client sends with the global axios, and cancels with the old CancelToken.
    axios.interceptors.request.use(talkdeskAxios(source));
    const { contacts, echo } = new GatewayClient({ BASE: "" });
    return {
      listContacts(signal) {
        const call = contacts.listContacts();
        signal?.addEventListener("abort", () => call.cancel());
        return call;
      },
      addContact: (name) => contacts.addContact({ name }),
      upload: (title) => echo.upload(200, { title, file: "a,b" }),
    };
  },
  {
    // Its forms are those of the package form-data, which can be read only once.
    replaysForms: false,
    retries: false,
    abortErrorName: "CancelError",
    statusIn: (error) => (error as { status?: unknown }).status,
  },
);
