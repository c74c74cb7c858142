import { sqliteStore } from "@talkdesk-oauth/sqlite";
import Database from "libsql";
import { printShared } from "./share-token.mjs";

await printShared("libsql", sqliteStore(new Database(":memory:")));
