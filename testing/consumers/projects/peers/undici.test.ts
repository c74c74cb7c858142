import * as undici from "undici";
import { describeUndici } from "./describe-undici.js";

describeUndici(undici, "undici");
