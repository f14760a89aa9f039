/** A registry asked once for each id. */
import { type SchemaAnswer, type SchemaRegistry, SchemaRegistryError } from './schema-registry.ts'

/** Bounds of the cache; what was used longest ago goes first. */
export type CacheLimits = {
  /** Most ids kept with an answer that holds for ever, and as many with `unknown`. */
  readonly idsMax: number
  /** Most text kept, UTF-16 code units. */
  readonly textMax: number
  /** How long `unknown` is believed. */
  readonly unknownMs: number
  /** Longest one call of the registry may take, whoever waits for it. */
  readonly callMs: number
}

const LIMITS: CacheLimits = { idsMax: 4_096, textMax: 64 * 1024 * 1024, unknownMs: 10_000, callMs: 10_000 }

export type CachedRegistry = SchemaRegistry & {
  readonly counters: () => { readonly calls: number; readonly ids: number; readonly unknown: number }
}

/**
 * Keeps what a registry answers: a schema for ever, as an id never changes its meaning, `unknown` for a while. Whoever
 * asks for one id at the same time shares one call, and waits for it no longer than its own deadline. Failures are not kept.
 * @param now monotonic milliseconds
 */
export function cachedRegistry(
  registry: SchemaRegistry,
  { now = () => performance.now(), ...given }: Partial<CacheLimits> & { readonly now?: () => number } = {},
): CachedRegistry {
  const limits = { ...LIMITS, ...given }
  const kept = new Map<number, SchemaAnswer>()
  const unknownUntil = new Map<number, number>()
  const open = new Map<number, Promise<Outcome>>()
  let textLength = 0
  let calls = 0

  function find(id: number): SchemaAnswer | undefined {
    const answer = kept.get(id)
    if (answer !== undefined) {
      kept.delete(id)
      kept.set(id, answer)
      return answer
    }
    const until = unknownUntil.get(id)
    if (until === undefined) return undefined
    if (now() < until) return { kind: 'unknown' }
    unknownUntil.delete(id)
    return undefined
  }

  function keep(id: number, answer: SchemaAnswer): void {
    if (answer.kind === 'unknown') {
      unknownUntil.set(id, now() + limits.unknownMs)
      if (unknownUntil.size > limits.idsMax) dropOldest(unknownUntil)
      return
    }
    kept.set(id, answer)
    textLength += lengthOf(answer)
    while (kept.size > limits.idsMax || (textLength > limits.textMax && kept.size > 1)) {
      textLength -= lengthOf(dropOldest(kept))
    }
  }

  /** The open call for an id, or a new one. Its outcome is a value, so that nobody need be waiting for it. */
  function callFor(id: number): Promise<Outcome> {
    const shared = open.get(id)
    if (shared !== undefined) return shared
    calls++
    const call = registry
      .schemaOf(id, limits.callMs)
      .then(
        (answer): Outcome => {
          keep(id, answer)
          return { kind: 'answer', answer }
        },
        (error): Outcome => ({ kind: 'failure', error }),
      )
      .finally(() => open.delete(id))
    open.set(id, call)
    return call
  }

  return {
    async schemaOf(id, deadlineMs) {
      const found = find(id)
      if (found !== undefined) return found
      const outcome = await within(callFor(id), deadlineMs)
      if (outcome.kind === 'answer') return outcome.answer
      throw outcome.error
    },
    register: (subject, schema, deadlineMs) => registry.register(subject, schema, deadlineMs),
    counters: () => ({ calls, ids: kept.size, unknown: unknownUntil.size }),
  }
}

type Outcome =
  | { readonly kind: 'answer'; readonly answer: SchemaAnswer }
  | { readonly kind: 'failure'; readonly error: unknown }

async function within(call: Promise<Outcome>, deadlineMs: number): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Outcome>((resolve) => {
    const error = new SchemaRegistryError('registry_unavailable', 'the schema registry did not answer in time', {
      retryable: true,
    })
    timer = setTimeout(resolve, deadlineMs, { kind: 'failure', error })
  })
  try {
    return await Promise.race([call, late])
  } finally {
    clearTimeout(timer)
  }
}

function lengthOf(answer: SchemaAnswer | undefined): number {
  return answer?.kind === 'schema' ? answer.text.length : 0
}

/** Takes the first entry of a map out: the one that was set longest ago. */
function dropOldest<Value>(map: Map<number, Value>): Value | undefined {
  for (const [id, value] of map) {
    map.delete(id)
    return value
  }
  return undefined
}
