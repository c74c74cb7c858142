// A script behind a company's proxy that prints the account.
import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { EnvHttpProxyAgent, fetch as undiciFetch } from "undici";

const dispatcher = new EnvHttpProxyAgent();
const throughProxy = (input, init) => undiciFetch(input, { ...init, dispatcher });
const client = talkdeskClientFromEnv(process.env, { fetch: throughProxy });
const fetch = talkdeskFetch(clientCredentials(client), { fetch: throughProxy });
console.log(await (await fetch("/account")).text());
