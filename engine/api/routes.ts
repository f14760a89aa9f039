/** All routes of the API, and what they need. */
import { randomBytes } from 'node:crypto'

import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { Identities } from '../../ingest/identity/identities.ts'
import type { Intake } from '../../ingest/intake.ts'
import type { Log } from '../../ingest/log.ts'
import packageJson from '../../package.json' with { type: 'json' }
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { withQuarantine } from '../../rules/quarantine.ts'
import type { Codecs } from '../../sinks/codecs.ts'
import type { History } from '../../sinks/history/start-history.ts'
import type { BackfillRunner } from '../backfill/backfill-runner.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { CustomerErasure } from '../erasure/customer-erasure.ts'
import { replayEvent } from '../explain/replay-event.ts'
import { type Installation, observedSinceOf } from '../installation.ts'
import type { LocalShards } from '../shard/all-partitions.ts'
import { createFallbacks } from '../shard/fallback.ts'
import type { RuleWatch } from '../shard/rule-watch.ts'
import type { ReadStock } from '../stock.ts'
import type { Telemetry } from '../telemetry.ts'
import { backfillRoutes } from './backfill.ts'
import { decisionRoute } from './decisions.ts'
import { erasureRoutes } from './erasure.ts'
import { eventRoute } from './events.ts'
import type { Route } from './http.ts'
import { inspectionRoutes } from './inspection.ts'
import { operationRoutes } from './operations.ts'
import { packRoute } from './packs.ts'
import { permitRoute } from './permits.ts'
import { quarantineRoutes } from './quarantine.ts'
import { tailPage } from './tail-pages.ts'

export type ApiParts = {
  readonly config: Config
  readonly clock: Clock
  readonly installation: Installation
  readonly intake: Intake
  readonly identities: Identities
  readonly shards: LocalShards
  readonly watch: RuleWatch
  readonly backfill: BackfillRunner
  readonly events: Log
  readonly decisions: Log
  readonly deadLetters: DeadLetters
  readonly history: History | null
  /** Why history is off, in a sentence. */
  readonly historyOff: string
  readonly erasure: CustomerErasure
  readonly telemetry: Telemetry
  readonly stock: ReadStock
  readonly codecs: Codecs
  /** The learned propensities in force; null: none are. */
  readonly learned: LoadedLearned | null
  readonly newRequestId: () => string
  readonly packOf: (hash: string) => Promise<LoadedPack | null>
  /** The certificate of a pack of this or an earlier start, as JSON. */
  readonly certificateOf: (hash: string) => Promise<string | null>
}

export function apiRoutes(parts: ApiParts): readonly Route[] {
  const { config, installation, intake, identities, shards, deadLetters, history, events, decisions, codecs } = parts
  const { pack, cluster } = installation
  const now = () => parts.clock.now()
  // What loops in a shard would loop on this thread too.
  const inService = () => withQuarantine(pack, new Set(parts.watch.quarantined.map(({ rule }) => rule)))
  return [
    eventRoute({ shards, intake, now, deadlineMs: config.EVENTS_DEADLINE_MS, eventsMax: config.EVENTS_MAX }),
    decisionRoute({
      shards,
      identities,
      makeFallback: createFallbacks(pack, () => randomBytes(16).toString('hex')),
      onUnknown: () => parts.telemetry.unknownAlias(),
      pack: pack.loaded,
      now,
      newRequestId: parts.newRequestId,
      deadlineMs: config.DECISION_DEADLINE_MS,
      partitions: cluster.partitions,
    }),
    permitRoute({ shards, identities }),
    ...inspectionRoutes({
      shards,
      identities,
      intake,
      deadLetters,
      history,
      historyOff: parts.historyOff,
      packOf: parts.packOf,
      tailPage: (cursor, limit) => tailPage({ decisions, codecs }, cursor, limit),
      explainEvent: async (customerId, eventId, language) => {
        const observedSince = observedSinceOf(parts.backfill.cluster, pack.layout)
        const explanation = await replayEvent(
          { events, codecs, pack: inService(), salt: cluster.salt, learned: parts.learned, observedSince },
          { customerId, eventId, language },
        )
        return explanation === null ? null : { customerId, event: eventId, explanation }
      },
    }),
    ...backfillRoutes(parts.backfill),
    packRoute(parts.certificateOf),
    ...quarantineRoutes(parts),
    ...erasureRoutes({ erasure: parts.erasure, identities, now, deadlineMs: config.EVENTS_DEADLINE_MS }),
    ...operationRoutes({ ...parts, version: packageJson.version }),
  ]
}
