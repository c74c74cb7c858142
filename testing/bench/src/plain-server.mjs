// A minimal server, in a process of its own.
import { createServer } from "node:http";

const body = Buffer.from(
  JSON.stringify({ total: 1, page: 1, _embedded: { users: [{ id: "1", name: "Ada" }] } }),
);
const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send(`http://127.0.0.1:${server.address().port}`));
