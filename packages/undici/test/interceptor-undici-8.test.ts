import { vi } from "vitest";
import { describeInterceptor } from "./support/describe-interceptor.js";
import type { Undici } from "./support/describe-undici.js";

// The setup of a user with undici 8.
vi.mock("undici", () => import("undici8"));

describeInterceptor((await import("undici8")) as unknown as Undici, "undici 8");
