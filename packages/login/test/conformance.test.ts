import { describeLogin } from "@talkdesk-oauth/conformance";
import { nodeDriver } from "./support/node-driver.js";

describeLogin("node:http", nodeDriver, { holdsAppData: false });
