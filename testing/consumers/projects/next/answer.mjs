import { answerOneOfTwo, beginSession, runJobs } from "./jobs.mjs";

/** Answers a request for one piece of work. */
export async function answer(_request, { params }) {
  const { work } = await params;
  if (work === "runtime") return Response.json(globalThis.EdgeRuntime ? "edge" : "node");
  if (work === "jobs") return Response.json(await runJobs(process.env));
  if (work === "begin") return new Response(await beginSession(process.env));
  return Response.json(await answerOneOfTwo(process.env, work));
}
