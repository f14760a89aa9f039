/** What happens to the nodes, one thing after the other, and what it cost the callers. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Terminal } from '../terminal.ts'
import { column, milliseconds, whole, wrap } from '../text-lines.ts'
import type { NodesOverview, Operator } from './ask-nodes.ts'
import type { EngineNode } from './engine-node.ts'
import type { Phase, Traffic } from './traffic.ts'

/** One thing that happens to a node. */
export type NodeStep = {
  readonly title: string
  readonly act: () => Promise<void>
  /** The nodes that share the partitions afterwards. */
  readonly sharedBy: readonly EngineNode[]
}

export type StepResult = {
  readonly title: string
  /** From the beginning of the act until every partition ran again, milliseconds. */
  readonly tookMs: number
  readonly phase: Phase
}

/** Reasons for a safe offer that are not the customer's but the nodes'. */
const inTrouble: ReadonlySet<string> = new Set([
  'deadline_exceeded',
  'owner_unavailable',
  'overloaded',
  'partition_closed',
  'shutting_down',
  'stale_state',
  'store_unavailable',
  'worker_failed',
])

/** Joining, standing still, waking up, dying, coming back, leaving: of the first and the last of the nodes. */
export function stepsOf(nodes: readonly EngineNode[]): readonly NodeStep[] {
  const [first, last] = [nodes[0], nodes.at(-1)]
  if (first === undefined || last === undefined || first === last) throw new RangeError('there are at least two nodes')
  const without = (gone: EngineNode) => nodes.filter((node) => node !== gone)
  return [
    { title: `${last.name} joins`, act: () => last.restart(), sharedBy: nodes },
    { title: `${last.name} stands still (SIGSTOP)`, act: async () => last.pause(), sharedBy: without(last) },
    { title: `${last.name} wakes up (SIGCONT)`, act: async () => last.resume(), sharedBy: nodes },
    { title: `${first.name} is killed (kill -9)`, act: () => first.kill(), sharedBy: without(first) },
    { title: `${first.name} is started again`, act: () => first.restart(), sharedBy: nodes },
    { title: `${last.name} leaves in order (SIGTERM)`, act: () => last.leave(), sharedBy: without(last) },
  ]
}

/** Performs a step and lets some seconds pass, so that what it cost the callers is seen whole. */
export async function perform(
  step: NodeStep,
  { operator, traffic, seconds }: { readonly operator: Operator; readonly traffic: Traffic; readonly seconds: number },
): Promise<StepResult & { readonly overview: NodesOverview | null }> {
  traffic.phase()
  const began = performance.now()
  await step.act()
  await operator.settled(step.sharedBy)
  const tookMs = performance.now() - began
  await sleep(seconds * 1_000)
  return { title: step.title, tookMs, phase: traffic.phase(), overview: await operator.overview() }
}

/** A step in two lines: what it took, who has which partitions; what the callers saw. */
export function stepLines(
  { title, tookMs, phase, overview }: StepResult & { readonly overview: NodesOverview | null },
  nodes: readonly EngineNode[],
  terminal: Terminal,
): string[] {
  const { paint } = terminal
  const width = terminal.width()
  const { requests, fallbacks, repeated, latency } = phase
  const reasons = Object.entries(fallbacks).filter(([reason]) => inTrouble.has(reason))
  const safe = reasons.reduce((sum, [, count]) => sum + count, 0)
  const why = reasons.length === 0 ? '' : ` (${reasons.map(([reason, count]) => `${reason} ${count}`).join(', ')})`
  return [
    `${paint('bold', column(title, 44))} ${paint('green', `${(tookMs / 1_000).toFixed(1).padStart(5)} s`)}   ${owners(overview, nodes)}`,
    ...wrap(
      `    ${whole(requests)} requests answered, for ${whole(safe)} the safe offer had to do${why}; ${whole(repeated)} calls sent again; ` +
        `p50 ${milliseconds(latency.p50)} ms, p99 ${milliseconds(latency.p99)} ms, slowest ${milliseconds(latency.max)} ms`,
      width,
      4,
    ).map((line) => paint('dim', line)),
  ]
}

/** How many partitions each node has, such as `node-1 5 · node-2 3`. */
function owners(overview: NodesOverview | null, nodes: readonly EngineNode[]): string {
  const counted = nodes.map(({ name, addr }) => {
    const count = overview?.partitions.filter((partition) => partition.addr === addr).length ?? 0
    return `${name} ${count === 0 ? '–' : count}`
  })
  return counted.join(' · ')
}
