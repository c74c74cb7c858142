import { inspect } from "node:util";
import { answers, type Emulator } from "@talkdesk-oauth/emulator";
import { expect, it } from "vitest";
import { catchRejection, listCauses } from "../rejection.js";
import type { PlainRequest } from "./driver.js";
import { type Stage, type Subject, setStage } from "./stage.js";

interface Failure {
  /** Sets up the failure, and adds to `secrets` those that appear only in it. */
  readonly prepare: (talkdesk: Emulator, secrets: string[]) => void;
  /** Makes the call that fails. Default: it sends the request. */
  readonly fail?: (stage: Stage, request: PlainRequest) => Promise<unknown>;
}

const failures: Readonly<Record<string, Failure>> = {
  "the token endpoint refuses the client and quotes it": {
    prepare({ faults, clients }) {
      const { clientId, clientSecret } = clients.get();
      const description = `${clientId}:${clientSecret} is unknown`;
      faults.add({ at: "token", respond: answers.oauthError("invalid_client", 401, description) });
    },
  },
  "the token endpoint answers with a token that cannot be used": {
    prepare({ faults }, secrets) {
      faults.add({
        at: "token",
        patch(body) {
          secrets.push(String(body["access_token"]));
          return { ...body, token_type: "mac" };
        },
      });
    },
  },
  "the gateway resets the connection": {
    prepare: ({ faults }) => void faults.add({ at: "api", reset: "before", times: 5 }),
  },
  "the gateway resets the connection of the second sending": {
    prepare({ faults }) {
      faults.add({ at: "api", respond: answers.empty(401) });
      faults.add({ at: "api", reset: "before", times: 5 });
    },
  },
  "the gateway ends a response too early": {
    prepare: ({ faults }) => void faults.add({ at: "api", truncate: 10 }),
    fail: async (stage, request) => {
      // A client that reads the whole body before it resolves rejects here.
      const response = await stage.send(request);
      return response.text();
    },
  },
  "the caller aborts while the gateway does not answer": {
    prepare: ({ faults }) => void faults.add({ at: "api", hang: true }),
    fail: async (stage, request) => {
      const controller = new AbortController();
      const call = stage.send({ ...request, signal: controller.signal });
      await stage.talkdesk.requests.waitFor(({ to }) => to === "api");
      controller.abort();
      return call;
    },
  },
};

/** A failure that only a client that follows redirects can have. */
const endlessRedirect: Failure = {
  prepare: ({ faults }) =>
    void faults.add({ at: "api", respond: answers.redirect("/echo"), times: Number.POSITIVE_INFINITY }),
};

/** Lists what people and loggers can read from an error and its causes. */
function printAll(value: unknown): string {
  return listCauses(value)
    .flatMap((part) => [
      String(part),
      inspect(part, {
        depth: Number.POSITIVE_INFINITY,
        showHidden: true,
        getters: true,
        maxStringLength: null,
      }),
      (part as Partial<Error>).message,
      (part as Partial<Error>).stack,
      toJson(part),
    ])
    .join("\n");
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

/** No error that a caller gets contains a token or the client's secret. */
export function describeSecrecy(subject: Subject): void {
  const cases = Object.entries({
    ...failures,
    ...(subject.capabilities.followsRedirects && { "redirects have no end": endlessRedirect }),
  });

  it.each(cases)("has no secret in the error when %s", async (_, { prepare, fail }) => {
    await using stage = await setStage(subject);
    const { clientId, clientSecret } = stage.talkdesk.clients.get();
    const secrets = [clientSecret, btoa(`${clientId}:${clientSecret}`)];
    prepare(stage.talkdesk, secrets);
    // A POST, because some clients repeat other methods by themselves.
    const request: PlainRequest = { url: `${stage.api}/echo`, method: "POST" };
    const error = await catchRejection(fail === undefined ? stage.send(request) : fail(stage, request));
    for (const { headers } of stage.withToken()) {
      secrets.push((headers["authorization"] ?? "").slice("Bearer ".length));
    }

    const told = printAll(error);
    expect(told).toMatch(/error/i);
    for (const secret of secrets) expect(told).not.toContain(secret);
  });
}
