// Runs the jobs in a runtime with `process.env`, and prints what they found.
import process from "node:process";
import { answerOneOfTwo, beginSession, compare, runJobs } from "./jobs.mjs";

const found = await runJobs(process.env);
await beginSession(process.env);
const both = (kind) => Promise.all([1, 2].map(() => answerOneOfTwo(process.env, kind)));
found["two at once"] = [compare(await both("service")), compare(await both("user"))];
console.log(JSON.stringify(found));
