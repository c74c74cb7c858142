import { answer } from "../../../answer.mjs";

export const runtime = "edge";
export const dynamic = "force-dynamic";
export const GET = answer;
