import * as undici from "undici";
import { describeGlobalFetch, describeUndici } from "./support/describe-undici.js";

describeUndici(undici, "undici 7");
describeGlobalFetch(undici, "undici 7");
