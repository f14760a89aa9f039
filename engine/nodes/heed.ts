/** A revocation reaches every node before it is answered: each reads the control log, and its shards go by it. */

import { json, later, problem, type Route } from '../api/http.ts'
import type { Timing } from '../clock.ts'
import type { Control } from '../control/control-log.ts'
import type { PeerReply } from '../shard/peers.ts'
import type { RuleWatch } from '../shard/rule-watch.ts'

/** Asks a node to go by what the control log says now. One message, given up after `withinMs`. */
export type HeedPeers = { heed(addr: string, withinMs: number): Promise<PeerReply<null>> }

/** A node that is asked has so long to read the log and to end what its shards are at, milliseconds. */
const askWithinMs = 4_000
/** A node that is gone is nobody's any more by then: its session is over, and others have its partitions. */
const heedWithinMs = 20_000
const againMs = 200

/** What a node answers another one: `null` once none of its shards goes by anything older than the control log as it was asked. */
export function heedRoute(control: Pick<Control, 'sync' | 'broken'>, watch: Pick<RuleWatch, 'told'>): Route {
  return {
    method: 'POST',
    path: '/nodes/v1/sources/heed',
    access: 'node',
    handle: later(async () => {
      try {
        await control.sync()
        await watch.told()
      } catch {
        return problem('log_unavailable', 'This node does not know what is revoked.')
      }
      return control.broken === null ? json(200, null) : problem('control_broken', 'This node reads it no further.')
    }),
  }
}

/**
 * Has all other nodes go by what the control log says now, also those that come meanwhile. Returns who did not say so in time.
 * @param others addresses of the nodes that take part or own a partition
 */
export async function heedElsewhere(
  peers: HeedPeers,
  others: () => Promise<readonly string[]>,
  timing: Pick<Timing, 'elapsed' | 'sleep'>,
): Promise<readonly string[]> {
  const heeded = new Set<string>()
  const until = timing.elapsed() + heedWithinMs
  for (;;) {
    // A store that does not answer now may do so the next time.
    const found = await others().catch(() => null)
    const open = found?.filter((addr) => !heeded.has(addr)) ?? ['those that the store names']
    if (open.length === 0) return []
    if (found !== null)
      await Promise.all(
        open.map(async (addr) => {
          if ((await peers.heed(addr, askWithinMs)).kind === 'answer') heeded.add(addr)
        }),
      )
    if (timing.elapsed() >= until) return open.filter((addr) => !heeded.has(addr))
    if (!open.every((addr) => heeded.has(addr))) await timing.sleep(againMs)
  }
}
