import type { Operation } from "@talkdesk-oauth/emulator";

/** What some of the jobs call, and the emulator has not built in. */
export const OPERATIONS: readonly Operation[] = [
  {
    method: "POST",
    path: "/flows/{flow_id}/interactions",
    scope: "flows-interactions:start",
    answer: ({ params, body }) => ({ status: 201, body: { flow: params["flow_id"], ...body } }),
  },
  {
    method: "POST",
    path: "/apps/{app_id}/installations/{installation_id}/state",
    scope: "apps:write",
    answer: ({ params, body }) => ({ status: 200, body: { ...params, ...body } }),
  },
  {
    method: "POST",
    path: "/knowledge-management/external-sources/{source_id}/documents",
    scope: "km-external-sources:write",
    async answer({ params, headers, body }) {
      const form = await new Response(body, {
        headers: { "content-type": headers["content-type"] ?? "" },
      }).formData();
      const file = form.get("file") as File;
      const document = {
        source: params["source_id"],
        name: file.name,
        type: file.type,
        text: await file.text(),
      };
      return { status: 201, body: document };
    },
  },
];
