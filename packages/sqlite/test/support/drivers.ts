import { createRequire, isBuiltin } from "node:module";
import type { SqliteDatabase } from "@talkdesk-oauth/sqlite";

/** A handle that tests open and close themselves. */
export interface Handle extends SqliteDatabase {
  close(): void;
}

/** A package, or module of Node, that makes handles. */
export interface Driver {
  readonly name: "libsql" | "better-sqlite3" | "node:sqlite";
  readonly needs: string;
  /** Whether it runs on the Node at hand. */
  readonly isHere: boolean;
  /** `options` are those of the driver. */
  open(file: string, options?: Readonly<Record<string, boolean>>): Handle;
  /** A handle that may not write. */
  openReadOnly(file: string): Handle;
}

const require = createRequire(import.meta.url);

// Loaded when first used, since better-sqlite3 13 ends a process whose Node is too old for it.
const libsql = () => require("libsql") as typeof import("libsql");
const betterSqlite = () => require("better-sqlite3") as typeof import("better-sqlite3");
const nodeSqlite = () =>
  require("node:sqlite") as {
    DatabaseSync: new (file: string, options: Readonly<Record<string, boolean>>) => Handle;
  };

const all: readonly Driver[] = [
  {
    name: "libsql",
    needs: "Node 20",
    isHere: true,
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
    needs: "Node 22.14",
    // The version of Node-API that its binary is made for.
    isHere: Number(process.versions["napi"]) >= 10,
    open: (file) => new (betterSqlite())(file),
    openReadOnly: (file) => new (betterSqlite())(file, { readonly: true }),
  },
  {
    name: "node:sqlite",
    needs: "Node 22.13",
    isHere: isBuiltin("node:sqlite"),
    open: (file, options = {}) => new (nodeSqlite().DatabaseSync)(file, options),
    openReadOnly: (file) => new (nodeSqlite().DatabaseSync)(file, { readOnly: true }),
  },
];

/** The drivers that run on the Node at hand. */
export const drivers = all.filter(({ isHere }) => isHere);

export const missingDrivers = all.filter(({ isHere }) => !isHere);

export function driverNamed(name: Driver["name"]): Driver {
  const driver = drivers.find((candidate) => candidate.name === name);
  if (driver === undefined) throw new Error(`${name} is not there on this Node.`);
  return driver;
}
