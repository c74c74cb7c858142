import { checkMembers } from "../base/check-members.js";
import { isScopeToken } from "../base/scope-token.js";
import type { Operation } from "./own-operation.js";

const METHOD = /^[A-Z]+(?:-[A-Z]+)*$/;
// pchar of RFC 3986 §3.3 but for the percent sign, with parameters in braces.
const PATH = /^(?:\/(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}|\{[A-Za-z_]\w*\})*)+$/;

/**
 * Checks the option `operations`.
 *
 * @returns A copy of the list.
 * @throws TypeError that names the member that is wrong.
 */
export function checkOperations(operations: unknown): readonly Operation[] {
  if (!Array.isArray(operations)) {
    throw new TypeError("operations must be an array, such as [{ method, path, answer }].");
  }
  const known = new Set<string>();
  return Object.freeze(
    operations.map((value: unknown, index) => {
      const operation = checkOperation(`operations[${index}]`, value);
      const name = `${operation.method} ${operation.path}`;
      if (known.has(name)) throw new TypeError(`operations must not repeat ${name}.`);
      known.add(name);
      return operation;
    }),
  );
}

function checkOperation(name: string, value: unknown): Operation {
  checkMembers(name, value, ["method", "path", "scope", "answer"]);
  const { method, path, scope, answer } = value as Partial<Record<keyof Operation, unknown>>;
  if (typeof method !== "string" || !METHOD.test(method)) {
    throw new TypeError(`${name}.method must be an HTTP method in upper-case letters, such as GET.`);
  }
  if (typeof path !== "string" || !PATH.test(path)) {
    throw new TypeError(`${name}.path must be a path with parameters in braces, such as /users/{id}.`);
  }
  if (/\/:[A-Za-z_]/.test(path)) {
    throw new TypeError(`${name}.path must have its parameters in braces: /users/{id}, not /users/:id.`);
  }
  const parameters = readParameterNames(path);
  if (new Set(parameters).size < parameters.length) {
    throw new TypeError(`${name}.path must not repeat the name of a parameter.`);
  }
  if (scope !== undefined && !isScopeToken(scope)) {
    throw new TypeError(`${name}.scope must be one scope, such as users:read.`);
  }
  if (typeof answer !== "function") throw new TypeError(`${name}.answer must be a function.`);
  return value as Operation;
}

/** Gives the names of the parameters in a path, in order. */
export function readParameterNames(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
}
