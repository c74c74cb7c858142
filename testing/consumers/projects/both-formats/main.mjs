// Two copies of one package in one process: as an ES module, and as CommonJS for an older dependency.
import { createRequire } from "node:module";
import * as modern from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const old = createRequire(import.meta.url)("@talkdesk-oauth/core");
console.log(old.accessToken !== modern.accessToken);

const store = old.memoryStore();
const client = modern.talkdeskClientFromEnv();
const fingerprints = [];
const onEvent = ({ type, fingerprint }) => void (type === "token_received" && fingerprints.push(fingerprint));
const options = { store, key: "shared", onEvent };
const first = old.clientCredentials(client, options);
const second = modern.clientCredentials(client, options);
const tokens = [await first.getToken(), await second.getToken()];
console.log(tokens[0].value === tokens[1].value, fingerprints[0] === fingerprints[1], fingerprints[0].length);

const { status } = await talkdeskFetch(first)("/users?per_page=1");
const session = modern.userSession(client, { key: "user", token: tokens[0] });
console.log(status, (await session.getToken()).value === tokens[0].value);

await first.close();
const error = await first.getToken().catch((reason) => reason);
console.log(modern.isTalkdeskError(error), error.code);
