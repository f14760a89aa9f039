/** What a test run says at its end about the real parts it ran on. */
import type { TestModule } from 'vitest/node'
import type { PartAnswer, PartNeed } from './shared-parts.ts'

export const partTitles = {
  kafka: 'Kafka',
  'own-kafka': 'Kafka',
  redis: 'Redis',
  'own-redis': 'Redis',
  clickhouse: 'ClickHouse',
} as const satisfies Readonly<Record<PartNeed, string>>
export type PartTitle = (typeof partTitles)[PartNeed]

/** Behind the name of a group of tests that is skipped because a part is missing. */
export function missingMark(title: PartTitle): string {
  return `(${title} is missing)`
}

/**
 * `real parts: Kafka 4.4.0 (started), Redis is missing: apt-get install redis-server; 34 tests were skipped`, or null when no
 * test asked for a part.
 */
export function partsLine(
  answers: ReadonlyMap<PartNeed, PartAnswer>,
  skipped: (title: PartTitle) => number,
): string | null {
  const words: string[] = []
  for (const title of new Set(Object.values(partTitles))) {
    const own = [...answers].filter(([need]) => partTitles[need] === title).map(([, answer]) => answer)
    const [first] = own
    if (first === undefined) continue
    const bad = own.find((answer) => answer.kind !== 'ready')
    if (bad !== undefined) {
      const count = skipped(title)
      const result = count === 0 ? '' : `; ${count} ${count === 1 ? 'test was' : 'tests were'} skipped`
      words.push(`${title} is ${bad.kind === 'missing' ? 'missing' : 'not usable'}: ${bad.why}${result}`)
    } else if (first.kind === 'ready') {
      const how = own.map((answer) => (answer.kind === 'ready' ? answer.how : ''))
      words.push(`${title} ${first.version} (${[...new Set(how)].join(', ')})`)
    }
  }
  return words.length === 0 ? null : `real parts: ${words.join(', ')}`
}

/** How many tests of a run were skipped because the part is missing. */
export function skippedFor(title: PartTitle, modules: readonly TestModule[]): number {
  let count = 0
  for (const module of modules) {
    for (const one of module.children.allTests('skipped')) if (one.fullName.includes(missingMark(title))) count++
  }
  return count
}
