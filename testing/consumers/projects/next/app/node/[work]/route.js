import { answer } from "../../../answer.mjs";

export const runtime = "nodejs";
export const dynamic = "force-dynamic";
export const GET = answer;
