import { once } from "node:events";
import { connect } from "node:net";

/**
 * Opens connections to a server, each of which repeats one request when the last is answered. Responses are counted by
 * their length, which must be that of the first, so the sender needs far less time than the server.
 */
export async function rawRequests({ port, path, headers, connections }) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${lines.join("")}\r\n`);
  const sockets = Array.from({ length: connections }, () => connect(port, "127.0.0.1").setNoDelay());
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  const length = await responseLength(sockets[0], request);

  return {
    /** Sends for so many milliseconds, and resolves to the number of responses. */
    async send(ms) {
      const endAt = performance.now() + ms;
      const counts = await Promise.all(sockets.map((socket) => sendUntil(endAt, socket, request, length)));
      return counts.reduce((sum, count) => sum + count, 0);
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function sendUntil(endAt, socket, request, length) {
  return new Promise((resolve, reject) => {
    let count = 0;
    let received = 0;
    const end = (settle, value) => {
      socket.off("data", onData).off("close", onClose);
      settle(value);
    };
    const onClose = () => end(reject, new Error("The server has closed a connection."));
    const onData = (chunk) => {
      const isOther = received === 0 && chunk.latin1Slice(0, STATUS.length) !== STATUS;
      received += chunk.length;
      if (isOther || received > length) {
        end(reject, new Error("The server has answered otherwise than at first."));
        return;
      }
      if (received < length) return;
      received = 0;
      count += 1;
      if (performance.now() < endAt) socket.write(request);
      else end(resolve, count);
    };
    socket.on("data", onData).on("close", onClose);
    socket.write(request);
  });
}

const STATUS = "HTTP/1.1 200 ";

async function responseLength(socket, request) {
  socket.write(request);
  let text = "";
  for (;;) {
    const [chunk] = await once(socket, "data");
    text += chunk.latin1Slice();
    const headLength = text.indexOf("\r\n\r\n") + 4;
    const bodyLength = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1]);
    if (headLength > 4 && text.length >= headLength + bodyLength) {
      if (!text.startsWith(STATUS)) throw new Error(`The server answers: ${text.slice(0, 40)}`);
      return headLength + bodyLength;
    }
  }
}
