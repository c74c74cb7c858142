// A script behind a company's proxy that prints the account.
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { EnvHttpProxyAgent, setGlobalDispatcher } from "undici";

setGlobalDispatcher(new EnvHttpProxyAgent());
const fetch = talkdeskFetch(clientCredentials(talkdeskClientFromEnv(), { scope: "account:read" }));
console.log(await (await fetch("/account")).text());
