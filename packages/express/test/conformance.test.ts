import { describeLogin } from "@talkdesk-oauth/conformance";
import { loginApp } from "./support/login-driver.js";
import { frameworks } from "./support/served.js";

for (const [name, framework] of frameworks) {
  describeLogin(`the login in ${name}, with express-session`, (setup) => loginApp(framework, setup));
}
