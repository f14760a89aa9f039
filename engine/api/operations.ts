/** Probes, metrics and the API's own description. */

import { within } from '../../ingest/bounded-wait.ts'
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { Intake } from '../../ingest/intake.ts'
import type { Log } from '../../ingest/log.ts'
import type { History } from '../../sinks/history/start-history.ts'
import type { NodePacks } from '../activation/node-packs.ts'
import type { BackfillRunner } from '../backfill/backfill-runner.ts'
import type { Control } from '../control/control-log.ts'
import type { ShadowRunner } from '../shadow/shadow-runner.ts'
import type { LocalShards } from '../shard/all-partitions.ts'
import type { RuleWatch } from '../shard/rule-watch.ts'
import type { ReadStock } from '../stock.ts'
import type { Telemetry } from '../telemetry.ts'
import { anyRole, measures } from './access.ts'
import type { HttpReply, Route } from './http.ts'
import { json, later } from './http.ts'
import { openApi } from './openapi.ts'

/** A probe is not kept waiting longer for the log, milliseconds. */
const logAnswersMs = 1_000

export type OperationParts = {
  readonly shards: LocalShards
  readonly watch: Pick<RuleWatch, 'quarantined' | 'replaced' | 'throws'>
  readonly events: Pick<Log, 'bounds'>
  readonly intake: Intake
  readonly deadLetters: DeadLetters
  readonly history: History | null
  readonly backfill: Pick<BackfillRunner, 'counts'>
  readonly telemetry: Telemetry
  readonly stock: ReadStock
  readonly shadow: Pick<ShadowRunner, 'status'>
  readonly version: string
  readonly control: Pick<Control, 'broken'>
  /** This node's part of activations. */
  readonly nodePacks: Pick<NodePacks, 'trouble'>
}

export function operationRoutes(parts: OperationParts): readonly Route[] {
  const document = json(200, openApi(parts.version))
  return [
    // Alive: this thread answers. Nothing else is asked, so that a slow store does not get the process killed.
    { method: 'GET', path: '/livez', access: 'open', handle: (_, reply) => reply(json(200, { status: 'alive' })) },
    { method: 'GET', path: '/readyz', access: 'open', handle: later(() => ready(parts)) },
    { method: 'GET', path: '/metrics', access: anyRole, handle: later(() => metrics(parts)) },
    // What is left of what there is only so much of.
    {
      method: 'GET',
      path: '/v1/stock',
      access: measures,
      handle: later(async () => json(200, { stock: await parts.stock() })),
    },
    { method: 'GET', path: '/openapi.json', access: 'open', handle: (_, reply) => reply(document) },
  ]
}

/**
 * Ready while the log answers and every partition of this node runs: a probe must not depend on other nodes. A slow or dead history is
 * told, and does not make the engine unready; nor do rules that are quarantined: what they guard is closed; nor a pack that cannot be taken
 * up: other nodes may be no better off, and this one takes no partition under an older pack.
 */
async function ready(parts: OperationParts): Promise<HttpReply> {
  const { events, shards } = parts
  const asked = within(logAnswersMs, 'the log', Promise.all([shards.partitionsHere(), events.bounds(0)]))
  const partitions = await asked.then(
    ([found]) => found,
    () => null,
  )
  if (partitions === null) return json(503, { status: 'not_ready', reason: 'log_unavailable' })
  const waiting = partitions.filter((partition) => partition.state !== 'running')
  return json(waiting.length === 0 ? 200 : 503, {
    status: waiting.length === 0 ? 'ready' : 'not_ready',
    partitions: partitions.length,
    notRunning: waiting.map(({ partition, state }) => ({ partition, state })),
    history: parts.history?.status().state ?? 'off',
    quarantinedRules: parts.watch.quarantined.length,
    pack: parts.nodePacks.trouble?.reason ?? 'taken_up',
    // A broken control log closes governance alone.
    governance: parts.control.broken === null ? 'open' : 'broken',
  })
}

async function metrics(parts: OperationParts): Promise<HttpReply> {
  const body = await parts.telemetry.text({
    intake: parts.intake.counters(),
    totals: await parts.shards.totals(),
    partitions: await parts.shards.partitionsHere(),
    caches: await parts.shards.usage(),
    deadLetters: await parts.deadLetters.counts(),
    history: parts.history?.status() ?? null,
    backfill: parts.backfill.counts,
    watch: parts.watch,
    stock: await parts.stock(),
    packs: parts.shards.packs.runs,
    takeUp: parts.nodePacks.trouble,
    shadow: parts.shadow.status,
  })
  return { status: 200, contentType: 'text/plain; version=0.0.4', body }
}
