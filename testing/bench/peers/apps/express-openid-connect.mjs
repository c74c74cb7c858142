import express from "express";
import openidConnect from "express-openid-connect";

/** As its README, with the code flow, which is what gives tokens for an API. */
export function makeApp({ origin, clientId, clientSecret }) {
  const app = express();
  app.use(
    openidConnect.auth({
      issuerBaseURL: origin,
      baseURL: "http://localhost",
      clientID: clientId,
      clientSecret,
      secret: "a long random value of the bench",
      authRequired: false,
      authorizationParams: { response_type: "code", scope: "openid" },
    }),
  );
  return app.get("/users", openidConnect.requiresAuth(), (_request, response) => response.json({ total: 1 }));
}
