import { vi } from "vitest";

/** Sets the environment variables that a job reads when it is loaded. An empty one counts as absent. */
export function useEnvironment(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}
