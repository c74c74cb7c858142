import { vi } from "vitest";
import { describeInterceptor } from "./describe-interceptor.js";
import type { Undici } from "./undici-drivers.js";

// What a user has who installed undici 8 beside the adapter.
vi.mock("undici", () => import("undici8"));

describeInterceptor((await import("undici8")) as unknown as Undici, "undici 8");
