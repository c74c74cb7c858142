import * as undici from "undici";
import { describeInterceptor } from "./support/describe-interceptor.js";

describeInterceptor(undici, "undici 7");
