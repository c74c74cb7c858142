import type { Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";

/** A report job of Explore. */
export interface ReportJob {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly format: "csv";
  readonly timespan?: unknown;
  /** How often it was asked for. */
  polls: number;
}

/** The report jobs of one account in one region. */
export interface ReportJobs {
  /** Starts a job; gives undefined when too many are running. */
  start(report: { readonly name: string; readonly timespan?: unknown }): ReportJob | undefined;
  find(id: string): ReportJob | undefined;
  /** Counts a poll and tells whether the job is done. */
  poll(job: ReportJob): boolean;
  isDone(job: ReportJob): boolean;
  /** Forgets a job and tells whether there was one. */
  remove(id: string): boolean;
  /** Gives the address on the files host where the report of a job can be fetched for a while. */
  fileUrl(job: ReportJob): string;
}

/** How many jobs of an account may run at the same time. */
export const maximumRunningJobs = 15;
/** How many jobs of an account are kept; the oldest that are done are forgotten. */
const keptJobs = 1_000;

/**
 * Makes the report jobs of an account in a region.
 *
 * @param pollsUntilDone How many polls a job answers before it is done.
 */
export function reportJobs(
  seed: Seed,
  region: Region,
  account: string,
  pollsUntilDone: number,
  signFileUrl: (path: string) => string,
): ReportJobs {
  const jobs = new Map<string, ReportJob>();
  const nextId = seed.sequence(`${region}/${account}/report`, 32);
  const isDone = (job: ReportJob): boolean => job.polls >= pollsUntilDone;

  return {
    start({ name, timespan }) {
      const running = [...jobs.values()].filter((job) => !isDone(job)).length;
      if (running >= maximumRunningJobs) return undefined;
      const job: ReportJob = {
        id: nextId(),
        name,
        format: "csv",
        ...(timespan !== undefined && { timespan }),
        polls: 0,
      };
      jobs.set(job.id, job);
      const oldest = [...jobs.values()].find(isDone);
      if (jobs.size > keptJobs && oldest !== undefined) jobs.delete(oldest.id);
      return job;
    },
    find: (id) => jobs.get(id),
    poll(job) {
      if (isDone(job)) return true;
      job.polls += 1;
      return false;
    },
    isDone,
    remove: (id) => jobs.delete(id),
    fileUrl: (job) => signFileUrl(`/${region}/${account}/${job.id}.csv`),
  };
}
