import { describeAxios } from "./axios-drivers.js";

describeAxios("http");
describeAxios("fetch");
