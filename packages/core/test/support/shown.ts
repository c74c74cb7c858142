import { inspect } from "node:util";

/** Everything that printing, copying or walking `thing` brings to light. */
export function shown(thing: unknown): string {
  const channels: string[] = [];
  const attempt = (show: () => unknown): void => {
    try {
      channels.push(String(show()));
    } catch (error) {
      channels.push(String(error), (error as Error).stack ?? "");
    }
  };
  const everything = {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,
    maxStringLength: null,
    maxArrayLength: null,
  };
  attempt(() => thing);
  attempt(() => `${thing}`);
  attempt(() => JSON.stringify(thing));
  attempt(() => JSON.stringify({ nested: [thing] }));
  attempt(() => inspect(thing));
  attempt(() => inspect(thing, everything));
  attempt(() => inspect({ nested: [thing] }, everything));
  attempt(() => inspect(thing, { ...everything, customInspect: false }));
  attempt(() => inspect(structuredClone(thing), everything));
  attempt(() => inspect({ ...(thing as object) }, everything));
  const seen = new Set<unknown>();
  const walk = (part: unknown): void => {
    if ((typeof part !== "object" && typeof part !== "function") || part === null) {
      attempt(() => part);
      return;
    }
    if (seen.has(part)) return;
    seen.add(part);
    for (const key of Reflect.ownKeys(part)) {
      attempt(() => key);
      const { value } = Reflect.getOwnPropertyDescriptor(part, key) ?? {};
      walk(value);
    }
  };
  walk(thing);
  if (thing instanceof Error) attempt(() => `${thing.message} ${thing.stack} ${thing.cause}`);
  return channels.join("\n");
}
