import type { InternalAxiosRequestConfig } from "axios";
import { describe, expect, it } from "vitest";
import { ConfigSnapshot } from "../src/config-snapshot.js";

function copyOf(config: object): Record<PropertyKey, unknown> {
  return new ConfigSnapshot(config as InternalAxiosRequestConfig).copy() as never;
}

describe("the copy of a config", () => {
  it("has the same members, those under symbols included", () => {
    const mark = Symbol("mark");
    const config = Object.assign(Object.create(null), { url: "/users", data: undefined, [mark]: 1 });
    expect(Reflect.ownKeys(copyOf(config))).toEqual(["url", "data", mark]);
    expect(copyOf(config)).toEqual({ url: "/users", data: undefined, [mark]: 1 });
  });

  it("takes no prototype from a member of that name", () => {
    const config = JSON.parse('{"url":"/users","__proto__":{"auth":{"username":"mallory"}}}');
    expect(Object.getPrototypeOf(copyOf(config))).toBe(Object.prototype);
    expect(copyOf(config)["auth"]).toBeUndefined();
  });

  it("shows neither later changes of the config nor those of another copy", () => {
    const config = { url: "/users", params: {} } as InternalAxiosRequestConfig;
    const snapshot = new ConfigSnapshot(config);
    Object.assign(config, { url: "/later", method: "delete" });
    delete config.params;
    Object.assign(snapshot.copy(), { url: "/other", timeout: 1 });
    expect(snapshot.copy()).toEqual({ url: "/users", params: {} });
  });
});
