import { readFileSync } from "node:fs";
import { drawMarkdownTable } from "../../../scripts/markdown-table.mjs";
import { median } from "./median.mjs";
import { APPS, SUBJECTS } from "./peers.mjs";
import { plotBars, plotLines } from "./plot.mjs";

const CLIENTS = ["axios", "fetch", "undici"];

const peers = JSON.parse(
  readFileSync(new URL("../peers/package.json", import.meta.url), "utf8"),
).dependencies;
const versioned = (...names) => names.map((name) => `${name} ${peers[name]}`).join(", ");

/** The packages behind a subject, as a reader knows them. */
const TITLES = {
  "talkdesk-axios": "`@talkdesk-oauth/axios`",
  "talkdesk-fetch": "`@talkdesk-oauth/fetch`",
  "talkdesk-undici": "`@talkdesk-oauth/undici`",
  "talkdesk-express": "`@talkdesk-oauth/express`",
  "axios-auth-refresh": versioned("axios-auth-refresh"),
  "axios-token-interceptor": versioned("axios-token-interceptor", "axios-oauth-client"),
  "badgateway-oauth2-client": versioned("@badgateway/oauth2-client"),
  "openid-client": versioned("openid-client"),
  "simple-oauth2": versioned("simple-oauth2"),
  "msal-node": versioned("@azure/msal-node"),
  "google-auth-library": versioned("google-auth-library"),
  "azure-core-rest-pipeline": versioned("@azure/core-rest-pipeline"),
  "express-session": versioned("express-session"),
  "express-openid-connect": versioned("express-openid-connect"),
};

/** Makes `docs/performance.md` and its plots of what `performance.mjs` has measured. */
export function renderPage(results) {
  const { counts, local, warm, apps, signatures, growth } = results;
  const plots = {
    "own-cost": plotOwnCost(local),
    accounts: plotAccounts(growth.accounts),
    concurrency: plotConcurrency(growth.concurrency),
    processes: plotProcesses(growth.processes),
    bodies: plotBodies(growth.body),
  };
  const page = `<!-- Written by \`npm run performance\`; edit testing/bench/src/performance-page.mjs in its place. -->

# Performance

What the packages cost, beside what else a Node program could use. Each peer is used as its own README shows, in
[testing/bench/peers/subjects](../testing/bench/peers/subjects). Measured with Node ${results.node} on ${results.cores} cores.

\`\`\`sh
npm run performance                                      # about 20 minutes; writes this page
npm run subject -- axios-auth-refresh revoked            # repeats one measurement; the last column of a table says which
\`\`\`

## Requests

Three situations that every service meets. The fewer token requests, the better; a call succeeds when the caller gets the answer 200.

- **Cold**: 10,000 calls at once, and nobody has a token yet.
- **Revoked**: 1,000 calls at once with a token that was revoked just before.
- **Late**: 300 calls with a revoked token whose refusals arrive one after another, 5 ms apart, most of them when there is a new token already.

${countsTable(counts)}

To repeat a row, run \`npm run subject --\` with the name in its last column and \`cold\`, \`revoked\` or \`late\`.

## What a layer adds to a call

A call with a token held, over a transport that answers at once: what is left is the client and the layer on it. The numbers are
microseconds, the median of ${results.rounds} processes, with the least and the most in brackets. "Added" is the difference to the bare client of the same round.
"The same again" is the bare client a second time: a difference as small as its own is noise.

${localTable(local, results.before)}

![Microseconds that each layer adds to a call](performance/own-cost.svg)

The peers with fetch return the transport's response as it is. \`@talkdesk-oauth/fetch\`, \`/axios\` and \`/undici\` also send a refused request
once more and keep the token from other origins. undici 7's own \`request\` passes responses to a handler of an older kind. For an interceptor that
changes a response and waits for a promise, undici turns the headers of each one into bytes and back, which takes 3 µs of what \`/undici\` adds.

## A call over TLS

The same calls, one after another, to a server on this machine, in processor time of the client's process: a network adds waiting, but no work.

${warmTable(warm, results.before)}

## A request of a signed-in user

A request to an Express app whose user has signed in, without a network. express-openid-connect keeps the session in an encrypted cookie, the
others keep it in the process, as their READMEs show.

${appsTable(apps, results.before)}

## Signatures

An assertion of \`privateKeyJwt\` to sign, and an ID token to verify, in processor time beside the call of jose that does the same: \`SignJWT\`
and \`jwtVerify\`, with a key that is ready. Core also builds and checks what the protocols ask for. The median of ${signatures[0].seen.jose.length} rounds of
192 calls, in turns.

${signaturesTable(signatures)}

To repeat the table: \`npm run bench -- signatures\`.

## Growth

Nothing should grow faster than what causes it. With a ratio of 1 the whole grows in proportion to the number, above 1 it grows faster.

${growthTable(growth)}

To repeat a row, see the part below that it comes from.

Each point below is the median of ${results.growthRounds === 1 ? "one process" : `${results.growthRounds} processes`}, and of one process for memory and for the number of processes.

**Accounts** in one \`sourcePool\`, each with a client of its own: time and memory for one account.

![Time for one account, by the number of accounts](performance/accounts.svg)

${accountsTable(growth.accounts)}

To repeat a row: \`npm run build\`, then \`node --expose-gc testing/bench/src/many-accounts.mjs 1000\`.

**Idle sources**, 100,000 of them, each with a client of its own and a token.

${sourcesTable(growth.sources)}

To repeat the table: \`npm run bench -- memory-per-source\`.

**Keys** whose tokens are asked for, one after another, from one \`sourcePool\` over a store: the pool keeps 1,000 sources open.

${keysTable(growth.keys)}

To repeat the table: \`npm run bench -- many-keys\`.

**Calls at once**, with a token: processor time of one call.

![Processor time of one call, by the number of calls at once](performance/concurrency.svg)

${sizesTable(growth.concurrency, { head: "at once", nameOf: whole, unit: "µs", of: us })}

To repeat a cell: \`npm run subject -- talkdesk-axios concurrency=1000\`. The last column is bare fetch a second time: what differs is noise.

**Processes**, with 250 callers each and no token: token requests without a store, and with one SQLite file. A token request takes 100 ms.

![Token requests, by the number of processes](performance/processes.svg)

${processesTable(growth.processes)}

To repeat it with four processes, and with Redis as well: \`npm run bench -- many-processes\`.

**Bodies** of 1 KB to 50 MB: processor time of one call. Both axes are logarithmic, so what grows in proportion is a straight line. The
adapters copy bytes once, so that a call that is sent again carries the same ones.

![Processor time of one call, by the size of its body](performance/bodies.svg)

${sizesTable(growth.body, { head: "body", nameOf: sizeOf, unit: "ms", of: ms })}

To repeat a cell: \`npm run subject -- talkdesk-axios body=1000000\`.

## How it is measured, and what it does not say

- Each number comes from a process of its own, except for signatures, which one process measures in turns. Processes of all subjects take
  turns, and each round begins with another subject, so that other work on the machine disturbs all alike.
- All subjects use the packages from the registry, ours packed as for a release, and at most 100 connections.
- The service is a small server of its own, in another process, which answers a token request after 5 ms. The real service is
  slower, which makes waiting longer but changes no order.
- The order of subjects is what to compare. The numbers belong to one machine and one version of Node.
- Counts are of one run. They hold on each machine, since each follows from what the package does. Where refusals meet a token request in flight, the
  timing decides how many requests a peer makes, so another run may differ by some.
- A peer does more than what is shown here: openid-client and MSAL speak protocols and flows that these packages do not.
`;
  return { page, plots };
}

function titleOf(name) {
  const [subject, age] = name.split(" ");
  const bare = /^bare-(.*)/.exec(subject)?.[1];
  if (bare !== undefined) return age === "again" ? `${bare}, the same again` : `bare ${bare}`;
  if (age === undefined) return TITLES[subject];
  return `${TITLES[subject]}, ${age === "again" ? "the same again" : "before"}`;
}

function countsTable(counts) {
  const rows = Object.entries(counts).map(([name, { cold, revoked, late }]) => [
    titleOf(name),
    ...[cold, revoked, late].flatMap(({ tokenRequests, successes }) => [
      whole(tokenRequests),
      whole(successes),
    ]),
    commandOf(name),
  ]);
  return table(
    [
      "package",
      "cold: token requests",
      "of 10,000 succeed",
      "revoked: token requests",
      "of 1,000 succeed",
      "late: token requests",
      "of 300 succeed",
      "name",
    ],
    rows,
  );
}

/** Each bare client, then the same again, then what is made for it. */
function inOrder(seen) {
  const baseOf = (name) => SUBJECTS[name.split(" ")[0]];
  const rank = (name) => {
    if (name === baseOf(name)) return 0;
    if (name.endsWith(" again")) return 1;
    return name.startsWith("talkdesk-") ? 2 : 3;
  };
  const bases = [...new Set(Object.values(SUBJECTS))];
  return Object.entries(seen).sort(
    ([a], [b]) => bases.indexOf(baseOf(a)) - bases.indexOf(baseOf(b)) || rank(a) - rank(b),
  );
}

/** What a subject adds to its bare client, round by round: the rounds of both took turns. */
function addedTo(seen, name, of) {
  const bare = seen[SUBJECTS[name.split(" ")[0]]];
  return seen[name].map((each, round) => of(each) - of(bare[round]));
}

function localTable(local, before) {
  const us = (each) => each.us;
  const rows = inOrder(local).map(([name, seen]) => {
    const isBare = name.startsWith("bare-") && !name.includes(" ");
    const added = addedTo(local, name, us);
    return [titleOf(name), spread(seen.map(us)), isBare ? "" : spread(added), commandOf(name, "local")];
  });
  return `${table(["", "a call, µs", "added, µs", "`npm run subject --`"], rows)}${beforeNote(before)}`;
}

function warmTable(warm, before) {
  const us = (each) => each.cpuUs;
  const rows = inOrder(warm).map(([name, seen]) => {
    const bare = warm[SUBJECTS[name.split(" ")[0]]];
    const ratios = seen.map((each, round) => us(each) / us(bare[round]));
    const isBare = name.startsWith("bare-") && !name.includes(" ");
    return [titleOf(name), spread(seen.map(us), 0), isBare ? "" : spread(ratios, 2), commandOf(name, "warm")];
  });
  const head = ["", "processor time, µs", "ratio to the bare client", "`npm run subject --`"];
  return `${table(head, rows)}${beforeNote(before)}`;
}

function appsTable(apps, before) {
  const us = (each) => each.us;
  const [base] = APPS;
  const rows = Object.entries(apps).map(([name, seen]) => {
    const ratios = seen.map((each, round) => us(each) / us(apps[base][round]));
    return [titleOf(name), spread(seen.map(us), 0), name === base ? "" : spread(ratios, 2), commandOf(name)];
  });
  const head = ["", "a request, µs", "ratio to express-session", "`npm run subject --`"];
  return `${table(head, rows)}${beforeNote(before)}`;
}

function beforeNote(before) {
  return before === undefined
    ? ""
    : `\n\n"Before" is commit \`${before}\`, measured by \`npm run performance -- --before ${before}\`.`;
}

/** What repeats a row, after `npm run subject --`. Nothing for a commit before, which only the whole measurement installs. */
function commandOf(name, ...scenario) {
  return name.endsWith("(before)") ? "" : `\`${[name.split(" ")[0], ...scenario].join(" ")}\``;
}

function signaturesTable(signatures) {
  const rows = signatures.map(({ title, seen }) => {
    const ratios = (name) => seen[name].map((each, round) => each / seen.jose[round]);
    return [
      title,
      median(seen.jose).toFixed(0),
      median(seen.ours).toFixed(0),
      spread(ratios("ours"), 2),
      spread(ratios("again"), 2),
    ];
  });
  return table(["", "jose, µs", "core, µs", "ratio to jose", "jose again, ratio to jose"], rows);
}

/** Ratios up to this one differ from 1 by noise, as bare clients beside themselves do. */
const IN_PROPORTION = 1.25;

/** What one costs when there are few and when there are many, for each thing that grows. */
function growthTable({ accounts, sources, keys, concurrency, body, processes }) {
  const account = (count, key) => median(accounts[count].map((each) => each[key]));
  const perCall = (name, size) => median(concurrency[size][name].map((each) => each.cpuUs));
  const perKilobyte = (name, size) => median(body[size][name].map((each) => each.cpuUs)) / (size / 1000);
  const perProcess = (count, key) => processes[count][key].requests / count;
  const [shortest, longest] = [Object.keys(sources)[0], Object.keys(sources).at(-1)];
  const row = (what, from, to, unit, before, after, digits = 1) => [
    what,
    `${from} to ${to}`,
    `${before.toFixed(digits)} ${unit}`.trim(),
    `${after.toFixed(digits)} ${unit}`.trim(),
    (after / before).toFixed(2),
  ];
  const clients = CLIENTS.flatMap((client) => [`bare-${client}`, `talkdesk-${client}`]);
  const rows = [
    ["firstUs", "first token of one of the accounts"],
    ["againUs", "token held of one of the accounts"],
  ].map(([key, what]) => row(what, "1,000", "100,000", "µs", account(1_000, key), account(100_000, key), 2));
  rows.push(
    row(
      "memory of one of the accounts",
      "1,000",
      "100,000",
      "bytes",
      account(1_000, "bytes"),
      account(100_000, "bytes"),
      0,
    ),
    [
      "memory of an idle source, for one character of its token",
      `${whole(Number(shortest))} to ${whole(Number(longest))} characters`,
      "",
      `${((sources[longest] - sources[shortest]) / (longest - shortest)).toFixed(2)} bytes`,
      "",
    ],
    row(
      "heap, by keys that pass a pool",
      whole(keys[0].keys),
      whole(keys.at(-1).keys),
      "MB",
      keys[0].heapMb,
      keys.at(-1).heapMb,
    ),
    ...clients.map((name) =>
      row(
        `call with ${titleOf(name)}, by calls at once`,
        "10",
        "1,000",
        "µs",
        perCall(name, 10),
        perCall(name, 1_000),
        0,
      ),
    ),
    ...clients.map((name) =>
      row(
        `1 KB of a body with ${titleOf(name)}`,
        "1 MB",
        "50 MB",
        "µs",
        perKilobyte(name, 1e6),
        perKilobyte(name, 5e7),
        2,
      ),
    ),
    row(
      "token requests of a process, without a store",
      "1",
      "8",
      "",
      perProcess(1, "alone"),
      perProcess(8, "alone"),
      2,
    ),
    row(
      "token requests of a process, with SQLite",
      "1",
      "8",
      "",
      perProcess(1, "shared"),
      perProcess(8, "shared"),
      2,
    ),
  );
  const faster = rows.filter(([, , , , ratio]) => Number(ratio) > IN_PROPORTION);
  const verdict =
    faster.length === 0
      ? "No ratio is so far above 1 that it is more than noise."
      : `Faster than in proportion: ${faster.map(([what, , , , ratio]) => `${what} (${ratio})`).join("; ")}.`;
  const head = ["what one costs", "from, to", "with the first number", "with the last", "ratio"];
  return `${table(head, rows)}\n\n${verdict}`;
}

function sourcesTable(sources) {
  const rows = Object.entries(sources).map(([length, bytes]) => [
    whole(Number(length)),
    whole(Math.round(bytes)),
  ]);
  return table(["characters of the token", "bytes of one source, with its client and token"], rows);
}

function keysTable(keys) {
  const rows = keys.map(({ keys: count, heapMb, us: time }) => [
    whole(count),
    heapMb.toFixed(1),
    time.toFixed(0),
  ]);
  return table(["keys", "heap of the process, MB", "time of one key, µs"], rows);
}

function accountsTable(accounts) {
  const rows = Object.values(accounts).map((seen) => [
    whole(seen[0].accounts),
    ...[
      ["firstUs", 1],
      ["againUs", 2],
      ["bytes", 0],
    ].map(([key, digits]) =>
      spread(
        seen.map((each) => each[key]),
        digits,
      ),
    ),
  ]);
  return table(["accounts", "first token, µs", "token held, µs", "bytes of the heap"], rows);
}

function processesTable(processes) {
  const rows = Object.entries(processes).map(([count, { alone, shared }]) => [
    count,
    whole(alone.requests),
    alone.ms.toFixed(0),
    whole(shared.requests),
    shared.ms.toFixed(0),
  ]);
  return table(
    [
      "processes",
      "token requests without a store",
      "until all have it, ms",
      "with SQLite",
      "until all have it, ms",
    ],
    rows,
  );
}

/** The processor time of one call for each size, with and without the adapters, and of one bare client again. */
function sizesTable(sizes, { head, nameOf, unit, of }) {
  const rows = Object.entries(sizes).map(([size, seen]) => [
    nameOf(Number(size)),
    ...CLIENTS.flatMap((client) => [of(seen[`bare-${client}`]), of(seen[`talkdesk-${client}`])]),
    of(seen["bare-fetch again"]),
  ]);
  const clients = CLIENTS.flatMap((client) => [`bare ${client}, ${unit}`, "with the adapter"]);
  return table([head, ...clients, "bare fetch again"], rows);
}

function plotOwnCost(local) {
  const bars = Object.keys(local)
    .filter((name) => !name.startsWith("bare-") && !name.includes(" "))
    .map((name) => ({
      name: name.replace("talkdesk-", "@talkdesk-oauth/"),
      value: Number(median(addedTo(local, name, (each) => each.us)).toFixed(1)),
      isOurs: name.startsWith("talkdesk-"),
    }))
    .sort((a, b) => a.value - b.value);
  return plotBars({
    title: "Microseconds that each layer adds to a call",
    description: "Without a network and with a token held; the numbers are in the table above.",
    unit: "µs",
    bars,
  });
}

function plotAccounts(accounts) {
  const line = (key) =>
    Object.entries(accounts).map(([count, seen]) => [Number(count), median(seen.map((each) => each[key]))]);
  return plotLines({
    title: "Time for one account, by the number of accounts",
    description: "The time for the first token, and for a token that is held, of one account.",
    xLabel: "Accounts",
    yLabel: "Microseconds for one account",
    isLogarithmic: true,
    series: { "first token": line("firstUs"), "token held": line("againUs") },
  });
}

function plotConcurrency(concurrency) {
  return plotLines({
    title: "Processor time of one call, by the number of calls at once",
    description: "For each client alone and with its adapter.",
    xLabel: "Calls at once",
    yLabel: "Microseconds of processor time for one call",
    series: bySize(concurrency, (seen) => median(seen.map((each) => each.cpuUs))),
  });
}

function plotBodies(bodies) {
  return plotLines({
    title: "Processor time of one call, by the size of its body",
    description: "For each client alone and with its adapter.",
    xLabel: "Bytes",
    yLabel: "Milliseconds of processor time for one call",
    isLogarithmic: true,
    series: bySize(bodies, (seen) => median(seen.map((each) => each.cpuUs)) / 1000),
  });
}

function plotProcesses(processes) {
  const line = (key) => Object.entries(processes).map(([count, seen]) => [Number(count), seen[key].requests]);
  return plotLines({
    title: "Token requests, by the number of processes",
    description: "Without a store each process asks for a token of its own; with one, a single process asks.",
    xLabel: "Processes",
    yLabel: "Token requests",
    series: { "without a store": line("alone"), "with one SQLite file": line("shared") },
  });
}

function bySize(sizes, of) {
  const names = CLIENTS.flatMap((client) => [`bare-${client}`, `talkdesk-${client}`]);
  return Object.fromEntries(
    names.map((name) => [
      name.replace("talkdesk-", "@talkdesk-oauth/").replace("bare-", "bare "),
      Object.entries(sizes).map(([size, seen]) => [Number(size), of(seen[name])]),
    ]),
  );
}

const whole = (value) => value.toLocaleString("en-US");
const us = (seen) => median(seen.map((each) => each.cpuUs)).toFixed(0);
const ms = (seen) => {
  const value = median(seen.map((each) => each.cpuUs)) / 1000;
  return value < 10 ? value.toPrecision(2) : value.toFixed(0);
};
const sizeOf = (bytes) => (bytes < 1e6 ? `${bytes / 1e3} KB` : `${bytes / 1e6} MB`);

/** The median, with the least and the most. */
function spread(values, digits = 1) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

const table = (head, rows) => drawMarkdownTable([head, ...rows], { areNumbers: true });
