import type { SqliteDatabase } from "@talkdesk-oauth/sqlite";

/** A handle that tells of each statement before it runs. */
export function watchedHandle(database: SqliteDatabase, told: (sql: string) => void): SqliteDatabase {
  return {
    exec(sql) {
      told(sql);
      return database.exec(sql);
    },
    prepare(sql) {
      const statement = database.prepare(sql);
      return {
        get(...values) {
          told(sql);
          return statement.get(...values);
        },
        run(...values) {
          told(sql);
          return statement.run(...values);
        },
      };
    },
  };
}
