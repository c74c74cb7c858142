// Imports one name. What it does not need is to be left out.
import { talkdeskEndpoints } from "@talkdesk-oauth/core";

console.log(talkdeskEndpoints("acme", "eu").token);
