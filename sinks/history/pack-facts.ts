/**
 * What a rule pack forbids, as rows that SQL can hold decisions against. Made by the engine from the pack it puts in force; nothing
 * here knows what a rule pack is.
 */
import { z } from 'zod'
import { type HistoryClient, rowsOf } from './client.ts'

/** A stretch of numbers: low, high, whether low itself is left out, whether high is. Unbounded ends are the largest doubles. */
const range = z.tuple([z.number(), z.number(), z.number(), z.number()])
/** A variable, by the name decisions record it under, and the stretches it may lie in. */
const bound = z.tuple([z.string(), z.array(range)])
/** A field of an event: texts it may be (or, with 1, may not be), or the stretches its number may lie in; yes is 1, no is 0. */
const fieldBound = z.tuple([z.string(), z.array(z.string()), z.number(), z.array(range)])
/** Alternatives of conjunctions. */
const alternatives = z.array(z.array(bound))
const fieldAlternatives = z.array(z.array(fieldBound))

export const packFacts = z.object({
  packHash: z.string(),
  offers: z.array(
    z.object({
      offer: z.string(),
      category: z.string(),
      class: z.string(),
      /** Variable of the customer's risk grade and the codes of it that allow the offer; empty name: every grade does. */
      gradeVariable: z.string(),
      gradesAllowed: z.array(z.number()),
      unknownAllowed: z.boolean(),
    }),
  ),
  /** One for each guardrail and each category, class and channel of some offer that it holds. */
  guards: z.array(
    z.object({
      guardrail: z.string(),
      reason: z.string(),
      category: z.string(),
      class: z.string(),
      channel: z.string(),
      /** The role that may open it, and for how long; empty: none may. */
      role: z.string(),
      roleMs: z.number(),
      /** It holds while one of these may; empty: it has no condition, or none that SQL can judge. */
      conditions: alternatives,
      /** An allow of the pack opens it while one of these must hold. */
      allows: alternatives,
      /** Whether an allow holds it whose condition SQL cannot judge. */
      allowsUnjudged: z.boolean(),
    }),
  ),
  /** The events that set and lift suppressions. */
  suppressions: z.array(
    z.object({
      guardrail: z.string(),
      effect: z.enum(['set', 'lift']),
      type: z.string(),
      /** The event does so when one of these holds. */
      conditions: fieldAlternatives,
      forMs: z.number(),
      /** An event that is older than this when it is accepted lifts nothing. */
      latenessMs: z.number(),
    }),
  ),
  /** Guardrails of which some condition compares otherwise than with constants: SQL does not judge that part. */
  unjudged: z.array(z.string()),
})
export type PackFacts = z.infer<typeof packFacts>

/** Largest finite double, which stands for no bound: JSON has no infinity. */
export const unbounded = Number.MAX_VALUE

export type PackStart = {
  readonly facts: PackFacts
  /**
   * Events accepted from this instant on came under the pack, Unix milliseconds; 0: all that there are, as no other was ever in
   * force.
   */
  readonly since: number
}

/**
 * Writes a pack's rows, unless it was the last one anyway. A suppression counts from when its rule came into force: since ever
 * for the first pack, since the pack before when that had the same rule, else since now. What happened under packs without the rule was
 * not kept, and nothing can be held against it.
 */
export async function registerPack(client: HistoryClient, { facts, since: inForceSince }: PackStart): Promise<void> {
  const before = await lastPack(client)
  if (before === facts.packHash) return
  const known = before === null ? new Map<string, number>() : await sinceOf(client, before)
  const pack_hash = facts.packHash
  const insert = async (table: string, values: readonly object[]): Promise<void> => {
    if (values.length > 0) await client.insert({ table, values: [...values], format: 'JSONEachRow' })
  }
  await insert(
    'pack_offers_raw',
    facts.offers.map((one) => ({
      ...{ pack_hash, offer: one.offer, category: one.category, class: one.class },
      ...{ grade_variable: one.gradeVariable, grades_allowed: one.gradesAllowed, unknown_allowed: one.unknownAllowed },
    })),
  )
  await insert(
    'pack_guards_raw',
    facts.guards.map((one) => ({
      ...{ pack_hash, guardrail: one.guardrail, reason: one.reason, category: one.category, class: one.class },
      ...{ channel: one.channel, role: one.role, role_ms: one.roleMs, conditions: one.conditions },
      ...{ allows: one.allows, allows_unjudged: one.allowsUnjudged },
    })),
  )
  await insert(
    'pack_suppressions_raw',
    facts.suppressions.map((one) => {
      const definition = definitionOf(one)
      return {
        ...{ pack_hash, guardrail: one.guardrail, effect: one.effect, type: one.type, conditions: one.conditions },
        ...{ for_ms: one.forMs, lateness_ms: one.latenessMs, definition, since: known.get(definition) ?? inForceSince },
      }
    }),
  )
  // Last: a pack counts as registered when all of it is there.
  await insert('packs_raw', [{ pack_hash, since: inForceSince, unjudged: facts.unjudged }])
}

async function lastPack(client: HistoryClient): Promise<string | null> {
  const row = z.object({ pack_hash: z.string() })
  const [last] = await rowsOf(client, row, 'SELECT pack_hash FROM packs_raw ORDER BY registered_at DESC LIMIT 1')
  return last?.pack_hash ?? null
}

async function sinceOf(client: HistoryClient, packHash: string): Promise<Map<string, number>> {
  const rows = await rowsOf(
    client,
    z.object({ definition: z.string(), since: z.number() }),
    'SELECT definition, since FROM pack_suppressions WHERE pack_hash = {hash:String}',
    { hash: packHash },
  )
  return new Map(rows.map(({ definition, since }) => [definition, since]))
}

/** A rule is the same one when it does the same under the same name. */
function definitionOf({ guardrail, effect, type, conditions, forMs }: PackFacts['suppressions'][number]): string {
  return JSON.stringify([guardrail, effect, type, conditions, forMs])
}
