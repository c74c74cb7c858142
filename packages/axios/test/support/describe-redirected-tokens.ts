import type { LookupAddress } from "node:dns";
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { answers } from "@talkdesk-oauth/emulator";
import axios from "axios";
import { expect, it } from "vitest";
import { setStage } from "./authorized-stage.js";
import { startGateway } from "./gateway-and-proxy.js";

/** Tests how far a token goes, which differs by version in axios and follow-redirects alone. */
export function describeRedirectedTokens(): void {
  it.each([301, 302, 303, 307, 308])("of %i within the gateway keeps the token", async (status) => {
    await using stage = await setStage();
    stage.talkdesk.faults.add({ at: "api", respond: answers.redirect("/users?page=1", status) });
    expect((await stage.client.get("/moved")).status).toBe(200);
    const { authorization } = await stage.source.getToken();
    expect(stage.authorizations()).toEqual([authorization, authorization]);
  });

  it("to another name of the same host and port drops the token, also on the way back", async () => {
    await using stage = await setStage({ validateStatus: null });
    const { port } = new URL(stage.api);
    stage.talkdesk.faults.add({ at: "api", respond: answers.redirect(`http://localhost:${port}/there`) });
    stage.talkdesk.faults.add({ at: "api", respond: answers.redirect(`${stage.api}/users`) });
    expect((await stage.client.get("/moved")).status).toBe(401);
    const { authorization } = await stage.source.getToken();
    expect(stage.authorizations()).toEqual([authorization, undefined, undefined]);
    expect(stage.tokenRequests).toBe(1);
  });

  it("to a sub-domain of the gateway drops the token", async () => {
    await using stage = await setStage();
    await using files = await startGateway("http");
    const api = stage.api.replace("127.0.0.1", "localhost");
    const lookup = (async () => [{ address: "127.0.0.1", family: 4 } as LookupAddress]) as never;
    const client = axios.create({ lookup });
    client.interceptors.request.use(talkdeskAxios({ ...stage.source, api }));
    const respond = answers.redirect(`http://files.localhost:${files.port}/users`);
    stage.talkdesk.faults.add({ at: "api", respond });
    expect((await client.get("/moved")).status).toBe(200);
    const { authorization } = await stage.source.getToken();
    expect(stage.authorizations()).toEqual([authorization]);
    expect(files.authorizations).toEqual([undefined]);
  });
}
