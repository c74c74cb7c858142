import { answerOneOfTwo, beginSession, runJobs } from "./jobs.mjs";

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/jobs") return Response.json(await runJobs(env));
    if (pathname === "/begin") return new Response(await beginSession(env));
    return Response.json(await answerOneOfTwo(env, pathname.slice(1)));
  },
};
