import { vi } from "vitest";
import { describeInterceptor } from "./support/describe-interceptor.js";
import type { Undici } from "./support/describe-undici.js";

// What a user has who installed undici 8 beside the adapter.
vi.mock("undici", () => import("undici8"));

describeInterceptor((await import("undici8")) as unknown as Undici, "undici 8");
