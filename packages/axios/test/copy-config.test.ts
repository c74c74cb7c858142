import { describe, expect, it } from "vitest";
import { copyConfig } from "../src/copy-config.js";

describe("the copy of a config", () => {
  it("has the same members, those under symbols included", () => {
    const mark = Symbol("mark");
    const config = Object.assign(Object.create(null), { url: "/users", data: undefined, [mark]: 1 });
    expect(Reflect.ownKeys(copyConfig(config))).toEqual(["url", "data", mark]);
    expect(copyConfig(config)).toEqual({ url: "/users", data: undefined, [mark]: 1 });
  });

  it("takes no prototype from a member of that name", () => {
    const config = JSON.parse('{"url":"/users","__proto__":{"auth":{"username":"mallory"}}}');
    expect(Object.getPrototypeOf(copyConfig(config))).toBe(Object.prototype);
    expect(copyConfig(config).auth).toBeUndefined();
  });
});
