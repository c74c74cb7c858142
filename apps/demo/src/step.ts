/** One line of the table that the demo prints at its end. */
export interface Step {
  readonly what: string;
  readonly happened: string;
  readonly ms: number;
}

/** Runs one step of the demo, and notes its result and how long it took. */
export type RunStep = (what: string, work: () => Promise<string>) => Promise<void>;
