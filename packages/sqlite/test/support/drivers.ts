import { createRequire } from "node:module";
import type { SqliteDatabase } from "@talkdesk-oauth/sqlite";

/** A handle that tests open and close themselves. */
export interface Handle extends SqliteDatabase {
  close(): void;
}

/** A package, or module of Node, that makes handles. */
export interface Driver {
  readonly name: "libsql" | "better-sqlite3" | "node:sqlite";
  /** `options` are those of the driver. */
  open(file: string, options?: Readonly<Record<string, boolean>>): Handle;
  /** A handle that may not write. */
  openReadOnly(file: string): Handle;
}

const require = createRequire(import.meta.url);
const major = Number(process.versions.node.split(".")[0]);

// Loaded when first used: better-sqlite3 13 ends a process of Node 20, and node:sqlite is not there.
const libsql = () => require("libsql") as typeof import("libsql");
const betterSqlite = () => require("better-sqlite3") as typeof import("better-sqlite3");
const nodeSqlite = () =>
  require("node:sqlite") as {
    DatabaseSync: new (file: string, options: Readonly<Record<string, boolean>>) => Handle;
  };

const all: readonly Driver[] = [
  {
    name: "libsql",
    open: (file) => new (libsql())(file),
    // It ignores its option `readonly`.
    openReadOnly(file) {
      const handle = new (libsql())(file);
      handle.exec("PRAGMA query_only = 1");
      return handle;
    },
  },
  {
    name: "better-sqlite3",
    open: (file) => new (betterSqlite())(file),
    openReadOnly: (file) => new (betterSqlite())(file, { readonly: true }),
  },
  {
    name: "node:sqlite",
    open: (file, options = {}) => new (nodeSqlite().DatabaseSync)(file, options),
    openReadOnly: (file) => new (nodeSqlite().DatabaseSync)(file, { readOnly: true }),
  },
];

/** The drivers of the Node at hand. */
export const drivers = all.filter(({ name }) => name === "libsql" || major >= 22);

/** Those that need Node 22, when it is older. */
export const missingDrivers = all.filter((driver) => !drivers.includes(driver));

export function driverNamed(name: Driver["name"]): Driver {
  const driver = drivers.find((candidate) => candidate.name === name);
  if (driver === undefined) throw new Error(`${name} is not there on this Node.`);
  return driver;
}
