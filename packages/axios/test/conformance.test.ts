import { describeAxios } from "./support/describe-axios.js";

describeAxios("http");
describeAxios("fetch");
