/** What breaks, drawn from the seed. Each fault mends itself after a while; `mendAll` mends the rest at the end. */
import type { World } from './world.ts'

export type FaultName =
  | 'kill'
  | 'pause'
  | 'leave'
  | 'store_cut'
  | 'store_lossy'
  | 'broker_cut'
  | 'broker_lossy'
  | 'broker_down'
  | 'peers_cut'
  | 'clock_ahead'
  | 'failover'
  | 'failover_with_kill'
  | 'failover_then_kill'
  | 'blackout'
  | 'acquisition_lost'

/** Faults that may come together in any order when a commit waits for the replica. */
export const anyFault: readonly FaultName[] = [
  'kill',
  'pause',
  'leave',
  'store_cut',
  'store_lossy',
  'broker_cut',
  'broker_lossy',
  'broker_down',
  'peers_cut',
  'clock_ahead',
  'failover',
]

/** Draws `count` faults over the first `withinMs`, each at an instant of its own; what came is told. */
export function scheduleFaults(
  world: World,
  { names, count, withinMs, nodes }: { names: readonly FaultName[]; count: number; withinMs: number; nodes: number },
): string[] {
  const told: string[] = []
  for (let i = 0; i < count; i++) {
    const name = names[world.random.below(names.length)] ?? 'kill'
    const at = 500 + world.random.below(withinMs)
    const index = world.random.below(nodes)
    const forMs = durationOf(world, name)
    told.push(`${at} ms: ${name} node-${index} for ${forMs} ms`)
    world.time.after(at, () => begin(world, name, index, forMs))
  }
  return told
}

/** Everything that is broken works again, everybody who is gone comes back. */
export function mendAll(world: World, nodes: number): void {
  world.broker.isDown = false
  world.store.replicationMs = 1
  for (let index = 0; index < nodes; index++) {
    const node = world.node(index)
    node.skewMs = 0
    node.process.resume()
    for (const wire of Object.values(node.wires)) {
      wire.faults.cut = false
      wire.faults.callLost = 0
      wire.faults.replyLost = 0
    }
    if (!node.process.isAlive) world.start(node.name)
  }
}

function durationOf(world: World, name: FaultName): number {
  const { random } = world
  switch (name) {
    case 'pause':
      return 200 + random.below(25_000)
    case 'kill':
    case 'failover_with_kill':
    case 'failover_then_kill':
    case 'blackout':
      return 200 + random.below(18_000)
    case 'acquisition_lost':
      return 4_000 + random.below(12_000)
    case 'clock_ahead':
      return 5_000 + random.below(20_000)
    case 'leave':
      return 1_000 + random.below(5_000)
    default:
      return 100 + random.below(6_000)
  }
}

function begin(world: World, name: FaultName, index: number, forMs: number): void {
  const { time, store, broker } = world
  const node = world.node(index)
  const { wires, process } = node
  const mend = (run: () => void): void => void time.after(forMs, run)
  switch (name) {
    case 'kill':
      process.kill()
      mend(() => restart(world, node.name))
      return
    case 'pause':
      process.pause()
      mend(() => process.resume())
      return
    case 'leave':
      process.deliver(() => void node.shards.stop(3_000).then(() => process.kill()))
      mend(() => restart(world, node.name))
      return
    case 'store_cut':
    case 'broker_cut':
    case 'peers_cut': {
      const wire = name === 'store_cut' ? wires.store : name === 'broker_cut' ? wires.broker : wires.peers
      wire.faults.cut = true
      mend(() => {
        wire.faults.cut = false
      })
      return
    }
    case 'store_lossy':
    case 'broker_lossy': {
      const { faults } = name === 'store_lossy' ? wires.store : wires.broker
      faults.callLost = 0.15
      faults.replyLost = 0.25
      mend(() => {
        faults.callLost = 0
        faults.replyLost = 0
      })
      return
    }
    case 'broker_down':
      broker.isDown = true
      mend(() => {
        broker.isDown = false
      })
      return
    case 'clock_ahead':
      node.skewMs = 400 + world.random.below(world.random.chance(0.5) ? 6_000 : 5_000_000)
      mend(() => {
        node.skewMs = 0
      })
      return
    case 'failover':
      store.failover()
      return
    case 'failover_then_kill':
      store.failover()
      time.after(world.random.below(150), () => {
        process.kill()
        mend(() => restart(world, node.name))
      })
      return
    case 'blackout':
      // Answers go on for a while without the broker; what they reserved is in the store alone then.
      broker.isDown = true
      time.after(300, () => {
        store.failover()
        process.kill()
        mend(() => {
          broker.isDown = false
          restart(world, node.name)
        })
      })
      return
    case 'acquisition_lost': {
      // The owner stands still for so long that another one takes over, but only the primary hears of that.
      store.replicationMs = Number.POSITIVE_INFINITY
      process.pause()
      mend(() => {
        store.failover()
        store.replicationMs = 300
        process.resume()
      })
      return
    }
    case 'failover_with_kill':
      store.failover()
      process.kill()
      mend(() => restart(world, node.name))
      return
    default:
      name satisfies never
  }
}

/** Comes back, unless somebody else saw to that. */
function restart(world: World, name: string): void {
  const node = world.cluster.nodes.get(name)
  if (node?.process.isAlive === true) return
  world.start(name)
}
