// What a program on Node writes, as types: no program runs it.
import { talkdeskAxios } from "@talkdesk-oauth/axios";
import { type ClosableTokenSource, clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { redisStore } from "@talkdesk-oauth/redis";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import { talkdeskUndici } from "@talkdesk-oauth/undici";
import axios from "axios";
import Database from "libsql";
import { createClient } from "redis";
import { Agent } from "undici";

const client = talkdeskClientFromEnv();
const source: ClosableTokenSource = clientCredentials(client, {
  store: redisStore({ client: createClient() }),
  key: "the app",
});

export const send: typeof fetch = talkdeskFetch(source);
export const dispatcher = new Agent().compose(talkdeskUndici(source));
export const store = sqliteStore(new Database(":memory:"));

export const api = axios.create();
api.interceptors.request.use(talkdeskAxios(source));

export async function tryAll(): Promise<string> {
  const talkdesk: Emulator = await startEmulator();
  await talkdesk[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
  return talkdesk.endpoints("acme").api;
}
