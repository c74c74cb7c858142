import { describeLogin } from "@talkdesk-oauth/conformance";
import { honoDriver } from "./support/hono-driver.js";

describeLogin("Hono", honoDriver, { holdsAppData: false });
