import * as undici from "undici";
import { describeInterceptor } from "./describe-interceptor.js";

describeInterceptor(undici, "undici 7");
