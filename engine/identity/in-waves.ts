/** Calls of one wave that are under way together: no more than a server's queue takes of one caller. */
const waveMax = 1_000

/** Does something for each item, a wave at a time; what it came to, in order. Throws the first failure once its wave is done. */
export async function inWaves<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  for (let from = 0; from < items.length; from += waveMax) {
    const wave = await Promise.allSettled(items.slice(from, from + waveMax).map(work))
    for (const one of wave) {
      if (one.status === 'rejected') throw one.reason
      results.push(one.value)
    }
  }
  return results
}
