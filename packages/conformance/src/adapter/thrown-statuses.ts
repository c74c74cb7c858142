import { findTalkdeskError } from "@talkdesk-oauth/core";
import { answers } from "@talkdesk-oauth/emulator";
import { expect, it } from "vitest";
import { catchRejection } from "../rejection.js";
import type { AdapterStacks } from "./driver.js";
import { setStage } from "./stage.js";

/** A refusal counts when a layer beneath the adapter throws for its status. */
export function describeThrownStatuses(throwing: NonNullable<AdapterStacks["throwing"]>): void {
  for (const [name, driver] of Object.entries(throwing)) {
    it(`replaces a token, and sends once more, above ${name}`, async () => {
      await using stage = await setStage({ driver });
      await stage.useRefusedToken();
      const { status } = await stage.send({ url: `${stage.api}/users` });
      expect(status).toBe(200);
      expect(stage.apiRequests).toHaveLength(2);
      expect(stage.tokenRequests).toBe(2);
    });

    it(`rejects with that layer's error when there is no other token, above ${name}`, async () => {
      await using stage = await setStage({ driver });
      await stage.useRefusedToken();
      stage.talkdesk.faults.add({ at: "token", respond: answers.oauthError("invalid_client", 401) });
      const error = await catchRejection(stage.send({ url: `${stage.api}/users` }));
      expect(error).toBeInstanceOf(Error);
      expect(findTalkdeskError(error)).toBeUndefined();
      expect(stage.apiRequests).toHaveLength(1);
    });

    it.each([
      [403, "Bearer"],
      [401, 'Bearer error="insufficient_scope"'],
      [500, "Bearer"],
    ])(
      `keeps the token when a %i with the challenge %s is thrown, above ${name}`,
      async (status, challenge) => {
        await using stage = await setStage({ driver });
        stage.talkdesk.faults.add({
          at: "api",
          respond: { status, headers: { "www-authenticate": challenge } },
        });
        await catchRejection(stage.send({ url: `${stage.api}/users`, method: "POST" }));
        expect(stage.apiRequests).toHaveLength(1);
        expect(stage.tokenRequests).toBe(1);
      },
    );
  }
}
