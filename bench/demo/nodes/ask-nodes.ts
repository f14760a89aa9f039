/** What the operator sees: asks whichever node answers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { EngineNode } from './engine-node.ts'

const Overview = z.object({
  partitions: z.array(
    z.object({ partition: z.number(), state: z.string(), reason: z.string().nullable(), addr: z.string() }),
  ),
  totals: z.object({
    accepted: z.number(),
    duplicates: z.number(),
    deadLettered: z.number(),
    decisions: z.number(),
  }),
})
export type NodesOverview = z.infer<typeof Overview>

export type Operator = {
  /** A call to the first of the nodes that answers with 200; null when none does. */
  get(path: string): Promise<unknown>
  post(path: string, body: unknown): Promise<unknown>
  overview(): Promise<NodesOverview | null>
  /**
   * Resolves when all partitions run at these nodes, each of which has some.
   * @throws Error when one of them ends meanwhile, or when it takes longer: who has what and what the nodes said last
   */
  settled(nodes: readonly EngineNode[]): Promise<void>
}

const askWithinMs = 5_000
const lookEveryMs = 100
/** Five seconds as a rule; on a machine that has much else to do, a minute and more. */
const settleWithinMs = 180_000

/** An operator with the key of the callers, who asks the first node that answers. */
export function createOperator(nodes: readonly EngineNode[], key: string): Operator {
  async function call(path: string, body?: unknown): Promise<unknown> {
    for (const { url } of nodes) {
      try {
        const response = await fetch(url + path, {
          method: body === undefined ? 'GET' : 'POST',
          headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(askWithinMs),
        })
        if (response.status === 200) return await response.json()
        await response.arrayBuffer()
      } catch {
        // It may be the one that was just stopped: the next is asked.
      }
    }
    return null
  }
  const overview = async (): Promise<NodesOverview | null> =>
    Overview.safeParse(await call('/v1/partitions')).data ?? null
  return {
    get: (path) => call(path),
    post: (path, body) => call(path, body),
    overview,
    async settled(nodes) {
      const until = performance.now() + settleWithinMs
      for (;;) {
        const seen = await overview()
        if (seen !== null && isSettled(seen, nodes)) return
        const ended = nodes.find((node) => node.pid() === null)
        if (ended !== undefined) throw new Error(`${ended.name} has ended by itself: ${ended.lastWords()}`)
        if (performance.now() > until)
          throw new Error(
            [`The partitions did not settle within ${settleWithinMs / 1_000} s.`, ...unsettled(seen, nodes)].join('\n'),
          )
        await sleep(lookEveryMs)
      }
    },
  }
}

function isSettled({ partitions }: NodesOverview, nodes: readonly EngineNode[]): boolean {
  const owners = new Set(partitions.map(({ addr }) => addr))
  return (
    partitions.every(({ state }) => state === 'running') &&
    owners.size === nodes.length &&
    nodes.every(({ addr }) => owners.has(addr))
  )
}

/** Who has which partitions and what every node said last, for a person who has to find out what keeps them. */
function unsettled(seen: NodesOverview | null, nodes: readonly EngineNode[]): string[] {
  const partitions =
    seen === null
      ? ['No node says who has which partitions.']
      : seen.partitions.map(
          ({ partition, state, reason, addr }) => `${partition} is ${state} at ${addr || 'no node'} ${reason ?? ''}`,
        )
  const said = nodes.map((node) => `${node.name} (${node.addr}) said last: ${node.lastWords()}`)
  return [...partitions, ...said]
}
