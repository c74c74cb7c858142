import { inspect } from "node:util";
import { setTokenStage, type TokenStage } from "@talkdesk-oauth/conformance";
import { isTalkdeskError } from "@talkdesk-oauth/core";
import { answers, type RequestRecord } from "@talkdesk-oauth/emulator";
import { describe, expect, it } from "vitest";

const setStage = (): Promise<TokenStage> => setTokenStage({ scopes: ["contacts:read", "contacts:write"] });

/** What these tests do with a client. */
export interface Client {
  listContacts(signal?: AbortSignal): Promise<{ readonly page: number }>;
  addContact(name: string): Promise<{ readonly id: string; readonly name: string }>;
  /** Sends a form with this title and a file, as `multipart/form-data`. */
  upload(title: string): Promise<unknown>;
}

/** Facts about a client. */
export interface ClientTraits {
  /** Whether its forms can be sent again. */
  readonly replaysForms: boolean;
  /** Whether the client repeats a request after a 503. */
  readonly retries: boolean;
  /** The name of the error for an aborted call. */
  readonly abortErrorName: string;
  /** Reads the status in an error of the client. */
  statusIn(error: unknown): unknown;
}

/** Resolves to the error that a call rejects with. Rejects when the call resolves. */
async function catchRejection(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("The call resolved.");
}

async function formIn({ headers, body }: RequestRecord): Promise<FormData> {
  const { "content-type": type = "" } = headers;
  return new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
}

/** Tests that a client of another project works with an adapter beneath it. */
export function describeClient(
  name: string,
  make: (stage: TokenStage) => Client,
  traits: ClientTraits,
): void {
  describe(name, () => {
    it("reads, writes and uploads with one token", async () => {
      await using stage = await setStage();
      const client = make(stage);
      expect((await client.listContacts()).page).toBe(1);
      expect(await client.addContact("Ada Lovelace")).toMatchObject({ name: "Ada Lovelace" });
      await client.upload("notes on the engine");
      const { authorization } = await stage.source.getToken();
      expect(stage.apiRequests).toMatchObject([
        { method: "GET", status: 200, headers: { authorization } },
        { method: "POST", status: 201, headers: { authorization, "content-type": "application/json" } },
        { method: "POST", status: 200, headers: { authorization } },
      ]);
      expect(stage.tokenRequests).toBe(1);
      const form = await formIn(stage.apiRequests[2] as RequestRecord);
      expect(form.get("title")).toBe("notes on the engine");
      expect(form.has("file")).toBe(true);
    });

    it("does not notice that a token was refused", async () => {
      await using stage = await setStage();
      await stage.useRefusedToken();
      const client = make(stage);
      const added = await client.addContact("Ada Lovelace");
      expect(added.name).toBe("Ada Lovelace");
      expect(stage.apiRequests.map(({ status }) => status)).toEqual([401, 201]);
      expect(stage.apiRequests[1]?.text).toBe(stage.apiRequests[0]?.text);
      expect(stage.tokenRequests).toBe(2);
    });

    it("does not notice that a token expires while many calls are under way", async () => {
      await using stage = await setStage();
      await stage.useRefusedToken();
      const client = make(stage);
      const calls = Array.from({ length: 10 }, () => client.listContacts());
      expect((await Promise.all(calls)).map(({ page }) => page)).toEqual(Array(10).fill(1));
      expect(stage.tokenRequests).toBe(2);
    });

    it(
      traits.replaysForms
        ? "uploads once more, the same, after a refusal"
        : "is told of a refused upload, and the next one has a new token",
      async () => {
        await using stage = await setStage();
        await stage.useRefusedToken();
        const client = make(stage);
        if (traits.replaysForms) {
          await client.upload("notes");
          const [refused, replayed] = stage.apiRequests as [RequestRecord, RequestRecord];
          expect(Buffer.compare(refused.body, replayed.body)).toBe(0);
          expect(replayed.headers["content-type"]).toBe(refused.headers["content-type"]);
        } else {
          expect(traits.statusIn(await catchRejection(client.upload("notes")))).toBe(401);
          await client.upload("notes");
        }
        expect(stage.apiRequests.map(({ status }) => status)).toEqual([401, 200]);
      },
    );

    it("rejects a refusal that stands in its own way, without the token", async () => {
      await using stage = await setStage();
      stage.talkdesk.faults.add({
        at: "api",
        times: 2,
        respond: answers.apiError(401, "0000001", "Unauthorized"),
      });
      const error = await catchRejection(make(stage).listContacts());
      expect(traits.statusIn(error)).toBe(401);
      expect(stage.apiRequests).toHaveLength(2);
      const shown = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true });
      for (const { headers } of stage.apiRequests) {
        expect(shown).not.toContain(headers["authorization"]?.split(" ")[1]);
      }
    });

    it("is told why there is no token", async () => {
      await using stage = await setStage();
      stage.talkdesk.faults.add({
        at: "token",
        times: 3,
        respond: answers.oauthError("invalid_client", 401),
      });
      const error = await catchRejection(make(stage).addContact("Ada Lovelace"));
      const found = [error, (error as Error).cause].find(isTalkdeskError);
      expect(found).toMatchObject({ code: "client_refused" });
      expect(stage.apiRequests).toEqual([]);
    });

    it("gives up a wait for a token", async () => {
      await using stage = await setStage();
      stage.talkdesk.faults.add({ at: "token", hang: true });
      const giveUp = new AbortController();
      const call = catchRejection(make(stage).listContacts(giveUp.signal));
      await stage.talkdesk.requests.waitFor(({ to }) => to === "token");
      giveUp.abort();
      expect(await call).toMatchObject({ name: traits.abortErrorName });
      expect(stage.apiRequests).toEqual([]);
    });

    it("gives up a request that is under way", async () => {
      await using stage = await setStage();
      stage.talkdesk.faults.add({ at: "api", hang: true });
      const giveUp = new AbortController();
      const call = catchRejection(make(stage).listContacts(giveUp.signal));
      await stage.talkdesk.requests.waitFor(({ to }) => to === "api");
      giveUp.abort();
      expect(await call).toMatchObject({ name: traits.abortErrorName });
      await stage.talkdesk.requests.waitFor(({ to, aborted }) => to === "api" && aborted);
      expect(stage.apiRequests).toHaveLength(1);
    });

    it(traits.retries ? "asks again after a 503, with the token of its day" : "rejects a 503", async () => {
      await using stage = await setStage();
      await stage.useRefusedToken();
      stage.talkdesk.faults.add({ at: "api", respond: answers.unavailable() });
      const call = make(stage).listContacts();
      if (traits.retries) expect((await call).page).toBe(1);
      else expect(traits.statusIn(await catchRejection(call))).toBe(503);
      expect(stage.apiRequests.map(({ status }) => status)).toEqual(traits.retries ? [503, 401, 200] : [503]);
    });
  });
}
