import * as undici from "undici";
import { describeGlobalFetch, describeUndici } from "./undici-drivers.js";

describeUndici(undici, "undici 7");
describeGlobalFetch(undici, "undici 7");
