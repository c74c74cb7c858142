import express from "express";
import session from "express-session";

/** Sessions without a login: the limit of what keeps users in a session. */
export function makeApp() {
  const app = express();
  app.use(session({ secret: "a secret of the bench", resave: false, saveUninitialized: false }));
  app.get("/login", (_request, response) => response.redirect("/callback?state=any"));
  app.get("/callback", (request, response) => {
    request.session.user = { sub: "1", name: "Ada Lovelace", email: "ada@example.com" };
    response.redirect("/");
  });
  return app.get("/users", (_request, response) => response.json({ total: 1 }));
}
