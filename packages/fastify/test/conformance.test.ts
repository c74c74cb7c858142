import { describeLogin } from "@talkdesk-oauth/conformance";
import { sessionDriver, storedDriver } from "./support/fastify-driver.js";

describeLogin("Fastify, with its own sessions in the token store", storedDriver, { holdsAppData: false });
describeLogin("Fastify, with @fastify/session", sessionDriver);
