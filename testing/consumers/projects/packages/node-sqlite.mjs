import { DatabaseSync } from "node:sqlite";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import { printShared } from "./share-token.mjs";

await printShared("node:sqlite", sqliteStore(new DatabaseSync(":memory:")));
