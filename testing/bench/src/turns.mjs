/**
 * Measures by name, in turns, so that what the machine does meanwhile meets all. Each has gone once before that counts.
 *
 * @param measures Each measures for a short while, and resolves to what it saw.
 * @returns What each saw, round by round.
 */
export async function inTurns(measures, rounds) {
  const entries = Object.entries(measures);
  for (const [, measure] of entries) await measure();
  const seen = Object.fromEntries(entries.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Each begins a round as often as the others.
    for (let turn = 0; turn < entries.length; turn++) {
      const [name, measure] = entries[(round + turn) % entries.length];
      seen[name].push(await measure());
    }
  }
  return seen;
}
