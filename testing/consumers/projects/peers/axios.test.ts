import { describeAxios } from "./describe-axios.js";

describeAxios("http");
