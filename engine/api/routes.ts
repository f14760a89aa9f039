/** All routes of the API, and what they need. */
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { Identities } from '../../ingest/identity/identities.ts'
import type { Intake } from '../../ingest/intake.ts'
import type { Log } from '../../ingest/log.ts'
import packageJson from '../../package.json' with { type: 'json' }
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { formOf } from '../../rules/pack-form.ts'
import type { Codecs, SchemaPlace } from '../../sinks/codecs.ts'
import type { History } from '../../sinks/history/start-history.ts'
import type { Activator } from '../activation/activation.ts'
import type { NodePacks } from '../activation/node-packs.ts'
import type { PackInForce } from '../activation/pack-in-force.ts'
import type { BackfillRunner } from '../backfill/backfill-runner.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Control } from '../control/control-log.ts'
import type { Versions } from '../control/versions.ts'
import type { CustomerErasure } from '../erasure/customer-erasure.ts'
import { replayEvent } from '../explain/replay-event.ts'
import { observedSinceOf } from '../installation.ts'
import type { ReplayJobs } from '../replay/replay-jobs.ts'
import type { ShadowRunner } from '../shadow/shadow-runner.ts'
import type { LocalShards } from '../shard/all-partitions.ts'
import type { RuleWatch } from '../shard/rule-watch.ts'
import type { ReadStock } from '../stock.ts'
import type { Telemetry } from '../telemetry.ts'
import type { WhatIfJobs } from '../whatif/what-if-jobs.ts'
import type { Workshop } from '../workshop/workshop.ts'
import { activePackRoute } from './active-pack.ts'
import { auditRoutes } from './audit.ts'
import { backfillRoutes } from './backfill.ts'
import { decisionRoute } from './decisions.ts'
import { dryRunRoute } from './dry-runs.ts'
import { erasureRoutes } from './erasure.ts'
import { eventRoute } from './events.ts'
import type { Route } from './http.ts'
import { inspectionRoutes } from './inspection.ts'
import { keyRoutes } from './keys.ts'
import { operationRoutes } from './operations.ts'
import { packRoute } from './packs.ts'
import { permitRoute } from './permits.ts'
import { quarantineRoutes } from './quarantine.ts'
import { replayRoutes } from './replays.ts'
import { shadowRoutes } from './shadow.ts'
import { sourceRoutes } from './sources.ts'
import { tailPage } from './tail-pages.ts'
import { versionRoutes } from './versions.ts'
import { whatIfRoutes } from './what-ifs.ts'
import { workshopRoutes } from './workshop.ts'

export type ApiParts = {
  readonly config: Config
  readonly clock: Clock
  readonly inForce: PackInForce
  readonly activator: Pick<Activator, 'status'>
  readonly nodePacks: Pick<NodePacks, 'trouble'>
  readonly intake: Intake
  readonly identities: Identities
  readonly shards: LocalShards
  readonly watch: RuleWatch
  /** Has all other nodes go by what is revoked now. Returns who did not say so in time. */
  readonly heedElsewhere: () => Promise<readonly string[]>
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
  readonly workshop: Workshop
  readonly whatIfs: WhatIfJobs
  readonly shadow: ShadowRunner
  readonly schemas: SchemaPlace
  /** What a step costs lately, microseconds an input; null: nothing was measured. */
  readonly liveUs: () => number | null
  readonly control: Control
  readonly versions: Versions
  readonly codecs: Codecs
  /** The learned propensities in force; null: none are. */
  readonly learned: LoadedLearned | null
  readonly newRequestId: () => string
  readonly replays: ReplayJobs
  readonly packOf: (hash: string) => Promise<LoadedPack | null>
  /** A learned table of this or an earlier start, by hash; null when it is not kept. */
  readonly learnedOf: (hash: string) => Promise<LoadedLearned | null>
  /** The certificate of a pack of this or an earlier start, as JSON. */
  readonly certificateOf: (hash: string) => Promise<string | null>
}

export function apiRoutes(parts: ApiParts): readonly Route[] {
  const { config, inForce, intake, identities, shards, deadLetters, history, events, decisions, codecs } = parts
  const { cluster } = inForce
  const now = () => parts.clock.now()
  // What loops in a shard would loop on this thread too.
  const inService = () =>
    formOf(inForce.pack, {
      quarantined: new Set(parts.watch.quarantined.map(({ rule }) => rule)),
      revoked: new Set(parts.control.state.revokedSources.keys()),
    })
  return [
    eventRoute({ shards, intake, now, deadlineMs: config.EVENTS_DEADLINE_MS, eventsMax: config.EVENTS_MAX }),
    decisionRoute({
      shards,
      identities,
      makeFallback: shards.packs.makeFallback,
      onUnknown: () => parts.telemetry.unknownAlias(),
      pack: () => inForce.pack.loaded,
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
        const pack = inService()
        const observedSince = observedSinceOf(parts.backfill.cluster, pack.layout)
        const explanation = await replayEvent(
          { events, codecs, pack, salt: cluster.salt, learned: parts.learned, observedSince },
          { customerId, eventId, language },
        )
        return explanation === null ? null : { customerId, event: eventId, explanation }
      },
    }),
    dryRunRoute({
      shards,
      identities,
      codecs,
      packInForce: () => inForce.pack.loaded,
      packOf: parts.packOf,
      quarantined: () => parts.watch.quarantined.map(({ rule }) => rule),
      learned: () => parts.learned,
      past: () => parts.backfill.cluster,
      stock: parts.stock,
      salt: cluster.salt,
      clock: parts.clock,
      newId: parts.newRequestId,
      run: (order) => parts.workshop.dryRun(order),
    }),
    ...shadowRoutes({
      shadow: parts.shadow,
      history,
      historyOff: parts.historyOff,
      packOf: parts.packOf,
      workshop: parts.workshop,
    }),
    ...whatIfRoutes({
      jobs: parts.whatIfs,
      history,
      historyOff: parts.historyOff,
      schemas: parts.schemas,
      packInForce: () => inForce.pack.loaded,
      packOf: parts.packOf,
      learned: () => parts.learned,
      salt: cluster.salt,
      completeSince: cluster.completeSince,
      partitions: cluster.partitions,
      bankBytes: config.WHATIF_MB * 2 ** 20,
      now,
      liveUs: parts.liveUs,
    }),
    ...replayRoutes({
      jobs: parts.replays,
      history,
      historyOff: parts.historyOff,
      kept: { packOf: parts.packOf, learnedOf: parts.learnedOf },
      codecs,
      partitions: cluster.partitions,
      salt: cluster.salt,
      compiled: () => (inForce.before === null ? [inForce.pack] : [inForce.pack, inForce.before]),
      zone: () => inForce.pack.loaded.model.zone,
    }),
    ...backfillRoutes(parts.backfill),
    packRoute(parts.certificateOf),
    ...keyRoutes(parts.control),
    ...auditRoutes(parts.control),
    ...workshopRoutes(parts.workshop),
    ...versionRoutes(parts.versions),
    activePackRoute(parts.activator),
    ...quarantineRoutes(parts),
    ...sourceRoutes({
      control: parts.control,
      sources: () => inForce.pack.loaded.model.sources,
      told: () => parts.watch.told(),
      heedElsewhere: parts.heedElsewhere,
    }),
    ...erasureRoutes({ erasure: parts.erasure, identities, now, deadlineMs: config.EVENTS_DEADLINE_MS }),
    ...operationRoutes({ ...parts, version: packageJson.version }),
  ]
}
