/** Failures with a known remedy. */
const SENTENCES: Readonly<Record<string, string>> = {
  NOAUTH: "The server wants a password. Check the credentials of the client.",
  WRONGPASS: "The server has refused the credentials of the client.",
  NOPERM: "The user of the client may not run these commands. Check its ACL.",
  LOADING: "The server is loading its data. Try again.",
  BUSY: "The server is busy with a script. Try again.",
  READONLY: "The server is a replica, which takes no writes. Connect to the primary, by sentinel or cluster.",
  MASTERDOWN: "The server is a replica that has lost its primary.",
  NOREPLICAS: "The server has too few replicas to take a write.",
  MISCONF: "The server cannot save to its disk, so it takes no writes.",
  ERR: "The server has refused the script. It must be Redis 6.2, Valkey or newer, with EVALSHA and EVAL allowed.",
  OOM: "The server's memory is full. Nothing was changed.",
  CLUSTERDOWN: "The cluster is down, or the slot of the key has no node.",
  TRYAGAIN: "The slot of the key is moving to another node. Try again.",
  MOVED: "The key is on another node of the cluster. A client for clusters finds it.",
  ASK: "The key is on another node of the cluster. A client for clusters finds it.",
};

/** The code of a failure that has no code of its own, such as that of a client that was closed. */
const CONNECTION_FAILED = "connection_failed";

/** The form of the codes of Node, so that nothing else of an error is taken for one. */
const SYSTEM_CODE = /^[A-Z][A-Z0-9_]+$/;

/** Each error reply of Redis begins with its code. */
const REPLY_CODE = /^-?([A-Z][A-Z0-9]+)(?: |$)/;

/** Redis 6 wraps the error of a command in a script into one of the script. */
const IN_SCRIPT = /^ERR Error running script .*?: -?([A-Z][A-Z0-9]+) /s;

/** The code of an error with which the server has answered, such as `READONLY`; undefined for other errors. */
export function replyCode(error: unknown): string | undefined {
  const { message } = Object(error) as { message?: unknown };
  if (typeof message !== "string") return undefined;
  return (IN_SCRIPT.exec(message) ?? REPLY_CODE.exec(message))?.[1];
}

/** The errors of this package itself, which {@link storeError} leaves as they are. */
const ours = new WeakSet<object>();

/** Marks an error as one of this package. */
export function ownError<T extends Error>(error: T): T {
  ours.add(error);
  return error;
}

/** An error whose `code` says what happened: core passes on the code, and drops the message. */
export const codedError = (code: string, message: string): Error & { readonly code: string } =>
  ownError(Object.assign(new Error(message), { code }));

/**
 * A client's error as one of ours, with a code. Its message and members are dropped: they may hold addresses and, with
 * ioredis, the arguments of the command.
 */
export function storeError(error: unknown): Error {
  if (ours.has(Object(error))) return error as Error;
  // ioredis wraps the last failure of a cluster's nodes.
  const { lastNodeError } = Object(error) as { lastNodeError?: unknown };
  const code = codeOf(error) ?? codeOf(lastNodeError) ?? CONNECTION_FAILED;
  return codedError(
    code,
    SENTENCES[code] ?? "The server could not be asked. Check the connection of the client.",
  );
}

/** How ioredis tells the last refusal of a command that it has sent again too often. */
const LAST_REPLY = /^Too many Cluster redirections\. Last error: \w*Error: ([A-Z][A-Z0-9]+) /;

function lastReplyCode(error: unknown): string | undefined {
  const { message } = Object(error) as { message?: unknown };
  return typeof message === "string" ? LAST_REPLY.exec(message)?.[1] : undefined;
}

/** What failed, by the server's word or that of the operating system, such as `ECONNREFUSED`. */
function codeOf(error: unknown): string | undefined {
  const { code } = Object(error) as { code?: unknown };
  return (
    replyCode(error) ??
    lastReplyCode(error) ??
    (typeof code === "string" && SYSTEM_CODE.test(code) ? code : undefined)
  );
}
