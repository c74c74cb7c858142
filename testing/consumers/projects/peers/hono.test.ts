import { describeLogin } from "@talkdesk-oauth/conformance";
import { honoDriver } from "./hono-driver.js";

describeLogin("Hono", honoDriver, { holdsAppData: false });
