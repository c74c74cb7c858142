import { describeAdapter } from "@talkdesk-oauth/conformance";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const driver = ({ source, origins }) => {
  const send = talkdeskFetch(source, { origins });
  return async ({ url, body, ...init }) => {
    const response = await send(url, { ...init, ...(body && { body: body.value, duplex: "half" }) });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: () => response.text(),
    };
  };
};

// A response reports only where a chain of redirects ended.
describeAdapter("fetch", driver, { seesHops: false });
