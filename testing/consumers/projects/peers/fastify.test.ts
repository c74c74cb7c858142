import { describeLogin } from "@talkdesk-oauth/conformance";
import { sessionDriver } from "./fastify-driver.js";

describeLogin("Fastify", sessionDriver);
