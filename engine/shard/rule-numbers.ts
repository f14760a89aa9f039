/** Which number a rule has on the board of a node, across the packs that come and go. */
import type { Model } from '../../rules/model.ts'
import { ruleKinds, ruleName } from '../../rules/rule-names.ts'

/** The rules of a pack, in the order of `ruleNames`. */
type Rules = {
  readonly names: readonly string[]
  /** Name and content: two rules are the same one when both are. */
  readonly contents: readonly string[]
  readonly numbers: readonly number[]
}

/** Numbers of the rules of the pack in force, of the one before, which a batch may still run under, and of one that is prepared. */
export class RuleNumbers {
  readonly #room: number
  #before: Rules | null = null
  #inForce: Rules
  #ready: Rules | null = null

  constructor(model: Model, room: number) {
    this.#room = room
    this.#inForce = rulesOf(model, () => 0)
    this.#inForce = { ...this.#inForce, numbers: this.#inForce.names.map((_, i) => i + 1) }
    this.#check(this.#inForce)
  }

  get inForce(): readonly number[] {
    return this.#inForce.numbers
  }

  get names(): readonly string[] {
    return this.#inForce.names
  }

  /** Of a rule of the pack in force; null: it has none such. */
  numberOf(name: string): number | null {
    const at = this.#inForce.names.indexOf(name)
    return this.#inForce.numbers[at] ?? null
  }

  /** null: no pack that is known has the number. */
  nameOf(number: number): string | null {
    for (const rules of [this.#inForce, this.#ready, this.#before]) {
      const name = rules?.names[rules.numbers.indexOf(number)]
      if (name !== undefined) return name
    }
    return null
  }

  /**
   * The numbers of a pack that is to come. `fresh`: those that no pack had that is known.
   * @throws RangeError when there is no room for its rules
   */
  prepare(model: Model): { readonly numbers: readonly number[]; readonly fresh: readonly number[] } {
    const known = new Map<string, number>()
    for (const rules of [this.#before, this.#inForce])
      for (const [i, content] of rules?.contents.entries() ?? []) known.set(content, rules?.numbers[i] ?? 0)
    const taken = new Set(known.values())
    const fresh: number[] = []
    let next = 1
    const ready = rulesOf(model, (content) => {
      const number = known.get(content)
      if (number !== undefined) return number
      while (taken.has(next)) next++
      taken.add(next)
      fresh.push(next)
      return next
    })
    this.#check(ready)
    this.#ready = ready
    return { numbers: ready.numbers, fresh }
  }

  /** What was prepared with these numbers is in force. */
  switchTo(numbers: readonly number[]): void {
    if (this.#ready === null || this.#ready.numbers !== numbers) return
    this.#before = this.#inForce
    this.#inForce = this.#ready
    this.#ready = null
  }

  #check({ numbers }: Rules): void {
    const most = numbers.reduce((highest, number) => Math.max(highest, number), 0)
    if (most > this.#room) throw new RangeError(`a node watches over at most ${this.#room} rules`)
  }
}

function rulesOf(model: Model, numberOf: (content: string) => number): Rules {
  const { guardrails, allows, offers, triggers, attributes, features } = model
  const all = {
    guardrail: guardrails,
    allow: allows,
    offer: offers,
    trigger: triggers,
    attribute: attributes,
    feature: features,
  }
  const rules = ruleKinds.flatMap((kind) =>
    all[kind].map((rule) => {
      const name = ruleName(kind, rule.id)
      // Where it stands in its file is not what it says.
      return { name, content: `${name} ${JSON.stringify({ ...rule, place: null })}` }
    }),
  )
  const contents = rules.map(({ content }) => content)
  return { names: rules.map(({ name }) => name), contents, numbers: contents.map(numberOf) }
}
