import { describeRoutes } from "./routes.js";

describeRoutes();
