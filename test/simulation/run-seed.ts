import { createHash } from 'node:crypto'
import { compilePack } from '../../rules/compile-pack.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import { bank, loadBank, reportedChannels } from '../engine/step/bank-pack.ts'
import { allProblems } from '../protocol/all-checks.ts'
import type { Evidence } from '../protocol/evidence.ts'
import { holdsHold } from '../protocol/held-checkers.ts'
import { replayAll } from '../protocol/replay-checker.ts'
import { anyFault, type FaultName, mendAll, scheduleFaults } from './faults.ts'
import { changePacks } from './sim-activation.ts'
import { watchUncommitted } from './watch-uncommitted.ts'
import { metCaps } from './workload.ts'
import { partitions, World, type WorldOptions } from './world.ts'

/** A kind of run: which faults may come, and what a commit waits for. */
export type Scenario = {
  readonly faults: readonly FaultName[]
  readonly count: number
  readonly waitFor: 0 | 1
  readonly nodes: number
  /** How long changes take to the replica. */
  readonly replicationMs: number
  /** Whether features are added in the middle and filled. */
  readonly grows?: boolean
  /** The last instant at which a fault may begin; left out: shortly before the last event. */
  readonly withinMs?: number
  /** Whether the run begins in quiet hours that hold messages. */
  readonly quiet?: boolean
  /** Whether a gateway reports what it sends, so that messages wait to be sent and can be taken back. */
  readonly receipts?: boolean
  /** Whether an operator changes the pack every few seconds. */
  readonly changes?: boolean
  /** Whether an answer may be forgotten: only when engine and store are lost together. */
  readonly forgets: boolean
}

/** Everything at once; a commit waits for the replica. */
const everything = { faults: anyFault, count: 9, waitFor: 1, nodes: 3, replicationMs: 25, forgets: false } as const
/** The store loses what it had acknowledged, again and again, at times with the engine. */
const manyRewinds = {
  faults: ['failover', 'failover_with_kill'],
  count: 6,
  waitFor: 0,
  nodes: 2,
  replicationMs: 300,
  forgets: true,
} as const

export const scenarios = {
  /** Everything at once; a commit waits for the replica. */
  anything: everything,
  /** The store loses what it had acknowledged, the engine lives. */
  rewound: { faults: ['failover'], count: 3, waitFor: 0, nodes: 2, replicationMs: 300, forgets: false },
  /** As before, and the engine dies at the same moment. */
  rewound_and_killed: {
    faults: ['failover_with_kill'],
    count: 3,
    waitFor: 0,
    nodes: 2,
    replicationMs: 300,
    forgets: true,
  },
  /** The engine dies somewhere in taking the partition again: while it publishes, reads back or adopts. */
  rewound_then_killed: {
    faults: ['failover_then_kill'],
    count: 3,
    waitFor: 0,
    nodes: 2,
    replicationMs: 300,
    forgets: true,
  },
  /** Broker, store and engine are lost together, but commits have waited for the replica: nothing is forgotten. */
  waited_and_killed: {
    faults: ['blackout'],
    count: 3,
    waitFor: 1,
    nodes: 2,
    replicationMs: 60,
    forgets: false,
  },
  /** Who took over is not known to the store any more: it names the owner before, who stood still meanwhile. */
  acquisition_lost: {
    faults: ['acquisition_lost'],
    count: 2,
    // Over before the last event: an owner that has nothing to commit does not notice that the store went back.
    withinMs: 13_000,
    waitFor: 0,
    nodes: 2,
    replicationMs: 300,
    forgets: true,
  },
  /** Messages wait for quiet hours to end while everything breaks. */
  held: { ...everything, quiet: true },
  /** And while the store loses what it had acknowledged, what waits among it. */
  held_and_rewound: { ...manyRewinds, quiet: true },
  /** Messages are taken back while everything breaks. */
  recalled: { ...everything, receipts: true },
  /** And while the store loses what it had acknowledged: messages, their recalls, what was sent. */
  recalled_and_rewound: { ...manyRewinds, receipts: true },
  /** Another pack comes into force, and goes again, while everything breaks. */
  changed: { ...everything, changes: true },
  /** And while the store loses what it had acknowledged: that a pack came into force among it. */
  changed_and_rewound: { ...manyRewinds, changes: true },
  /** Features are added and filled while everything breaks. */
  filled: { ...everything, grows: true },
  /** And while the store loses what it had acknowledged, the progress of the fill among it. */
  filled_and_rewound: { ...manyRewinds, grows: true },
} as const satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof scenarios

export type SeedResult = {
  readonly problems: readonly string[]
  readonly faults: readonly string[]
  /** Hash over everything on the topics: equal for equal seeds. */
  readonly digest: string
  readonly decisions: number
  readonly adopted: number
  /** Activations that every shard confirmed. */
  readonly activated: number
}

let pack: CompiledPack | null = null
let grown: CompiledPack | null = null
let changed: CompiledPack | null = null
let quiet: CompiledPack | null = null
let reported: CompiledPack | null = null

/** The small bank with caps that are met every few seconds. */
export async function simulatedBank(): Promise<CompiledPack> {
  pack ??= compilePack(await loadBank({ caps: metCaps }))
  return pack
}

/** The same bank with hours in which messages wait, over a quarter of a minute behind the beginning of a run. */
async function quietBank(): Promise<CompiledPack> {
  const text = { en: 'Not now', zh: '现在不发' }
  const applies = { categories: 'all', channels: ['sms'] }
  const quietHours = [{ id: 'night', from: '21:00', to: '08:01', applies, instead: 'hold', text }]
  quiet ??= compilePack(await loadBank({ caps: metCaps, contact: { quietHours, releaseSpread: '5s' } }))
  return quiet
}

/** The same bank with a gateway that reports what it sends. */
async function reportedBank(): Promise<CompiledPack> {
  reported ??= compilePack(await loadBank({ caps: metCaps, channels: reportedChannels }))
  return reported
}

/** The same bank with more features, none of which a rule asks for. */
async function grownBank(): Promise<CompiledPack> {
  const grocery = { event: 'card.purchase', where: 'event.merchantCategory == "grocery"' }
  const features = [
    ...bank.features,
    { id: 'grocery_sum_10s', kind: 'sum', value: 'amount', ...grocery, window: '10s' },
    { id: 'grocery_30d', kind: 'count', ...grocery, window: '30d' },
    { id: 'repaid_lifetime', kind: 'sum', event: 'repayment.made', value: 'amount', window: 'lifetime' },
  ]
  grown ??= compilePack(await loadBank({ caps: metCaps, features }))
  return grown
}

/** The same features in another layout, and other winners among the offers. */
async function changedBank(): Promise<CompiledPack> {
  const offers = bank.offers.map((offer, i) => ({ ...offer, value: (i * 7) % 10 }))
  changed ??= compilePack(await loadBank({ caps: metCaps, features: [...bank.features].reverse(), offers }))
  return changed
}

function bankOf({ quiet, receipts }: Scenario): Promise<CompiledPack> {
  if (quiet === true) return quietBank()
  return receipts === true ? reportedBank() : simulatedBank()
}

/** Runs a scenario with a seed and checks the whole world afterwards. */
export async function runSeed(
  scenario: Scenario,
  seed: number,
  without: WorldOptions['without'] = new Set(),
): Promise<SeedResult> {
  const more = scenario.grows === true ? await grownBank() : null
  const { nodes, waitFor, count, receipts = false } = scenario
  const first = await bankOf(scenario)
  const other = scenario.changes === true ? await changedBank() : null
  const world = new World({ seed, pack: first, grown: more, other, nodes, events: 1_500, waitFor, receipts, without })
  const change = other === null ? null : changePacks(world, [first, other], nodes)
  const uncommitted = watchUncommitted(world)
  world.store.replicationMs = scenario.replicationMs
  const faults = scheduleFaults(world, { names: scenario.faults, count, withinMs: scenario.withinMs ?? 28_000, nodes })
  await world.time.run(55_000)
  mendAll(world, nodes)
  const isSettled = await world.settle(120_000)
  const unchanged = change === null || other === null ? [] : await change.ends(other, scenario)
  const evidence = world.evidence()
  const problems = [
    ...(isSettled ? [] : ['the log is not through two minutes after everything works again']),
    ...uncommitted(),
    ...allProblems(evidence, scenario),
    ...(await replayProblems(evidence, [first, more, other])),
    ...unchanged,
    ...(scenario.quiet === true ? holdsHold(evidence) : []),
  ]
  const activated = change?.confirmed ?? 0
  let adopted = 0
  for (const node of world.cluster.nodes.values()) {
    for (const status of await statusesOf(node.shards.partitionsHere(), world)) adopted += status.adopted
  }
  return { problems, faults, digest: digestOf(world), decisions: evidence.decisions.flat().length, adopted, activated }
}

/** Every decision can be computed again, whatever broke. */
async function replayProblems(evidence: Evidence, packs: readonly (CompiledPack | null)[]): Promise<readonly string[]> {
  const loaded = packs.flatMap((pack) => (pack === null ? [] : [pack.loaded]))
  const { problems, holes } = await replayAll({ ...evidence, packs: loaded })
  return [...problems, ...holes.map((hole) => JSON.stringify(hole))].slice(0, 5)
}

/** A promise whose wires need virtual time to pass. */
async function statusesOf<Value>(promise: Promise<readonly Value[]>, world: World): Promise<readonly Value[]> {
  let value: readonly Value[] = []
  void promise.then((found) => {
    value = found
  })
  await world.time.run(world.time.now + 2_000)
  return value
}

function digestOf(world: World): string {
  const hash = createHash('sha256')
  for (const topic of ['events', 'decisions', 'batches']) {
    for (let partition = 0; partition < partitions; partition++) {
      for (const { offset, appendTime, value } of world.broker.records(topic, partition)) {
        hash.update(`${topic} ${partition} ${offset} ${appendTime} `).update(value)
      }
    }
  }
  return hash.digest('hex')
}
