export type { SqliteDatabase, SqliteStatement, SqliteValue } from "./database.js";
export { sqliteStore } from "./sqlite-store.js";
