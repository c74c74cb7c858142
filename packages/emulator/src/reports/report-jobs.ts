import type { Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import { makeReportPath } from "./report-file.js";
import type { ReportJob, ReportRequest } from "./report-job.js";

/** The report jobs of one account in one region. */
export interface ReportJobs {
  /** Starts a job. Gives undefined when too many are running. */
  start(report: ReportRequest): ReportJob | undefined;
  /** Gives the jobs of a type, oldest first. */
  list(type: string): readonly ReportJob[];
  find(type: string, id: string): ReportJob | undefined;
  /** Counts a poll and tells whether the job is done. */
  poll(job: ReportJob): boolean;
  isDone(job: ReportJob): boolean;
  /** Forgets a job, and tells whether it existed. */
  remove(type: string, id: string): boolean;
  /** Makes a URL on the files host that gives the file of a job for a while. */
  makeFileUrl(job: ReportJob): string;
}

/** How many jobs of an account may run at the same time: the limit of the service. */
export const MAX_RUNNING_JOBS = 15;
/** How many jobs of an account are kept. The oldest job that is done is forgotten first. */
const MAX_JOBS = 1_000;

/**
 * Makes the report jobs of an account in a region.
 *
 * @param pollsUntilDone How often a job answers that it is still running.
 * @param signFileUrl Makes the URL of a file of the account on the files host.
 */
export function makeReportJobs(
  seed: Seed,
  region: Region,
  account: string,
  pollsUntilDone: number,
  signFileUrl: (path: string) => string,
): ReportJobs {
  const jobs = new Map<string, ReportJob>();
  const nextId = seed.identifiers(`${region}/${account}/report`, 32);
  const isDone = (job: ReportJob): boolean => job.polls >= pollsUntilDone;

  function find(type: string, id: string): ReportJob | undefined {
    const job = jobs.get(id);
    return job?.type === type ? job : undefined;
  }

  return {
    start(report) {
      const running = [...jobs.values()].filter((job) => !isDone(job)).length;
      if (running >= MAX_RUNNING_JOBS) return undefined;
      const job: ReportJob = { ...report, id: nextId(), polls: 0 };
      jobs.set(job.id, job);
      const oldest = [...jobs.values()].find(isDone);
      if (jobs.size > MAX_JOBS && oldest !== undefined) jobs.delete(oldest.id);
      return job;
    },
    list: (type) => [...jobs.values()].filter((job) => job.type === type),
    find,
    poll(job) {
      if (isDone(job)) return true;
      job.polls += 1;
      return false;
    },
    isDone,
    remove: (type, id) => find(type, id) !== undefined && jobs.delete(id),
    makeFileUrl: (job) => signFileUrl(makeReportPath(job)),
  };
}
