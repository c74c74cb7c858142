/**
 * Runs measurements by name, in turns, so that other work on the machine disturbs all alike. Each runs once before, which
 * does not count.
 *
 * @param measures Functions that measure for a short while, and resolve to a result.
 * @returns The results by name, one for each round.
 */
export async function inTurns(measures, rounds) {
  const entries = Object.entries(measures);
  for (const [, measure] of entries) await measure();
  const seen = Object.fromEntries(entries.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Each is the first of a round as often as the others.
    for (let turn = 0; turn < entries.length; turn++) {
      const [name, measure] = entries[(round + turn) % entries.length];
      seen[name].push(await measure());
    }
  }
  return seen;
}
