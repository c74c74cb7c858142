import { describeRoutes } from "./support/describe-routes.js";

describeRoutes();
