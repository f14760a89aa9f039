/** Which rules hit at which event: what contenders have to agree on. */

/** Rules by event id, as found somewhere; each pair once. */
export class Hits {
  readonly #rules = new Map<string, Set<string>>()
  #repeats = 0
  #count = 0

  add(event: string, rule: string): void {
    const rules = this.#rules.get(event)
    if (rules === undefined) this.#rules.set(event, new Set([rule]))
    else if (rules.has(rule)) {
      this.#repeats++
      return
    } else rules.add(rule)
    this.#count++
  }

  /** Pairs of an event and a rule. */
  get count(): number {
    return this.#count
  }

  /** Pairs that came more than once. */
  get repeats(): number {
    return this.#repeats
  }

  /** Events with at least one rule. */
  get events(): number {
    return this.#rules.size
  }

  /** Events by rule, in the order of the rules' names. */
  byRule(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const rules of this.#rules.values()) for (const rule of rules) counts.set(rule, (counts.get(rule) ?? 0) + 1)
    return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** The rules of an event, in the order of their names; empty: none. */
  of(event: string): readonly string[] {
    return [...(this.#rules.get(event) ?? [])].sort()
  }

  ids(): Iterable<string> {
    return this.#rules.keys()
  }
}

/** The first event at which two differ, in words; null: every event has the same rules in both. */
export function firstDifference(expected: Hits, found: Hits): string | null {
  for (const event of new Set([...expected.ids(), ...found.ids()])) {
    const [wanted, got] = [expected.of(event).join(' '), found.of(event).join(' ')]
    if (wanted !== got) return `at event ${event} the rules are "${got}" and should be "${wanted}"`
  }
  return null
}
