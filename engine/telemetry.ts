/**
 * The only file that makes metrics. Names are `<subject>_<what>_<unit>`, labels come from closed lists (routes, reasons, rule
 * ids, partitions), never a customer. The table in `docs/metrics.md` names each one; a test keeps it complete.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { DeadLetterCounts } from '../ingest/dead-letters.ts'
import type { IntakeCounters } from '../ingest/intake.ts'
import type { HistoryStatus } from '../sinks/history/history.ts'
import { type TakeUpTrouble, takeUpReasons } from './activation/take-up-watch.ts'
import type { FillCounts } from './backfill/backfill-runner.ts'
import type { ShadowStatus } from './shadow/shadow-runner.ts'
import type { Tally } from './shard/batch-tally.ts'
import type { RuleWatch } from './shard/rule-watch.ts'
import type { ShardRuns } from './shard/shard-packs.ts'
import type { BatchStats, CacheUsage } from './shard/shard-port.ts'
import type { PartitionStatus, Totals } from './shard/shards.ts'
import type { StockLine } from './stock.ts'

/** What is read when Prometheus asks, not when it happens. */
export type Scraped = {
  readonly intake: IntakeCounters
  readonly totals: Totals
  /** Of this node. */
  readonly partitions: readonly PartitionStatus[]
  readonly caches: readonly CacheUsage[]
  readonly deadLetters: DeadLetterCounts
  readonly history: HistoryStatus | null
  readonly backfill: FillCounts
  readonly watch: Pick<RuleWatch, 'quarantined' | 'replaced' | 'throws'>
  readonly stock: readonly StockLine[]
  /** Which pack each shard of this node runs. */
  readonly packs: readonly ShardRuns[]
  /** What keeps this node from taking up the pack in force. */
  readonly takeUp: TakeUpTrouble | null
  readonly shadow: Pick<ShadowStatus, 'lagMs' | 'decisions' | 'differences'> | null
}

export type Telemetry = {
  request(path: string, status: number, seconds: number): void
  /** A decision was asked for by an alias that is nobody's. */
  unknownAlias(): void
  batch(stats: BatchStats & { readonly queueMs: number }): void
  /** The text of `/metrics`. */
  text(scraped: Scraped): Promise<string>
}

const fineSeconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

/** Metrics of one engine, in a registry of their own. */
export function createTelemetry(): Telemetry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const seconds = (name: string, help: string, labelNames: string[] = []) =>
    new Histogram({ name, help, labelNames, buckets: fineSeconds, registers })
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers })

  const requests = seconds('http_request_duration_seconds', 'Time from the request to its answer', ['route', 'status'])
  const stages = seconds('decision_stage_duration_seconds', 'Time of a batch in each stage', ['stage'])
  const batchEvents = new Histogram({
    name: 'batch_events_count',
    help: 'Events in a batch',
    buckets: [1, 4, 16, 64, 256, 1_024, 4_096],
    registers,
  })
  const fateCounts = counter('candidates_total', 'Candidates by the stage they ended in and why', ['stage', 'reason'])
  const suppressions = counter('suppressions_total', 'Candidates stopped by each guardrail', ['guardrail'])
  const capHits = counter('cap_reached_total', 'Candidates stopped by each contact cap', ['cap'])
  const decisions = counter('decisions_made_total', 'Decisions by placement and outcome', ['placement', 'outcome'])
  const proposed = counter('contacts_proposed_total', 'Occasions on which triggers proposed to write to a customer', [
    'placement',
    'channel',
  ])
  const withheld = counter('contacts_withheld_total', 'Of those, the ones at which nothing was sent, and why', [
    'placement',
    'channel',
    'reason',
  ])
  const unknownAliases = counter('decisions_unknown_alias_total', 'Requests by an alias that is linked to nobody')
  const ruleCost = new Histogram({
    name: 'trigger_evaluation_seconds',
    help: 'Sampled cost of a trigger condition',
    labelNames: ['trigger'],
    buckets: [1e-8, 3e-8, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 1e-4],
    registers,
  })
  const scrape = createScrapeGauges(registry)

  const count = ({ fates, outcomes, occasions, triggers }: Tally) => {
    for (const { stage, reason, rule, count } of fates) {
      fateCounts.labels(stage, reason).inc(count)
      if (rule === '') continue
      if (stage === 'guardrail' || stage === 'final_gate') suppressions.labels(rule).inc(count)
      if (stage === 'contact') capHits.labels(rule).inc(count)
    }
    for (const { placement, outcome, count } of outcomes) decisions.labels(placement, outcome).inc(count)
    for (const { placement, channel, reason, count } of occasions) {
      proposed.labels(placement, channel).inc(count)
      if (reason !== '') withheld.labels(placement, channel, reason).inc(count)
    }
    for (const { trigger, seconds } of triggers) ruleCost.labels(trigger).observe(seconds)
  }

  return {
    request: (route, status, took) => requests.labels(route, String(status)).observe(took),
    unknownAlias: () => unknownAliases.inc(),
    batch: (stats) => {
      stages.labels('queue').observe(stats.queueMs / 1_000)
      stages.labels('load').observe(stats.loadMs / 1_000)
      stages.labels('step').observe(stats.stepMs / 1_000)
      if (stats.commitMs > 0) stages.labels('commit').observe(stats.commitMs / 1_000)
      batchEvents.observe(stats.events)
      if (stats.tally !== null) count(stats.tally)
    },
    text: async (scraped) => {
      scrape(scraped)
      return registry.metrics()
    },
  }
}

/** Gauges that copy a snapshot taken at the scrape. */
function createScrapeGauges(registry: Registry): (scraped: Scraped) => void {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  const received = gauge('events_received_count', 'Items handed in since this process started')
  const rejected = gauge('events_rejected_count', 'Items refused at the door since start, by reason', ['reason'])
  const applied = gauge('events_applied_count', 'Events committed since the first start, by what they were', ['status'])
  const decided = gauge('decisions_committed_count', 'Decisions committed since the first start')
  const lag = gauge('log_lag_records', 'Events appended and not yet committed', ['partition'])
  const unpublished = gauge('outbox_lag_commits', 'Commits whose outbox is not published yet', ['partition'])
  const closed = gauge('partition_closed', '1 while a partition is closed', ['partition'])
  const adopted = gauge('decisions_adopted_count', 'Decisions taken in again since start', ['partition'])
  const cacheCustomers = gauge('cache_customers_count', 'Customers in flat memory')
  const cacheBytes = gauge('cache_used_bytes', 'Flat memory in use')
  const cacheMax = gauge('cache_limit_bytes', 'Bound of the flat memory')
  const overflows = gauge('state_overflows_count', 'Bounds of customers’ states reached since start', ['bound'])
  const letters = gauge('dead_letters_kept_count', 'Dead letters kept now', ['reason'])
  const lettersDropped = gauge('dead_letters_dropped_count', 'Dead letters dropped as the oldest since they are kept')
  const historyLag = gauge('history_lag_records', 'Log records not yet in the history')
  const historyUp = gauge('history_up', '1 while history is written')
  const units = gauge('resource_units_count', 'Units of a resource, by what they are', ['resource', 'state'])
  const oversold = gauge('resource_oversold_units', 'Units promised beyond what there is', ['resource'])
  const unknown = gauge('resource_unknown', '1 while it is not known what is left of a resource', ['resource'])
  const filled = gauge(
    'backfill_records_count',
    'Records a backfill went through since start: read, and of them added',
    ['what'],
  )
  const shadowLag = gauge('shadow_lag_seconds', 'How far the shadow is behind')
  const shadowDecisions = gauge('shadow_decisions_count', 'Decisions of the shadow since its process began')
  const shadowDifferences = gauge('shadow_differences_count', 'Of those, the ones that differ from the pack in force')
  const quarantined = gauge('rule_quarantined', '1 while a rule is out of service on this node', ['rule'])
  const thrown = gauge('rule_throws_count', 'Times a rule threw since start', ['rule'])
  const replaced = gauge(
    'shard_threads_replaced_count',
    'Threads that did not come back and were begun anew since start',
  )
  const pack = gauge('pack_active', '1 for the pack that a shard of this node runs', ['shard', 'pack'])
  const activation = gauge('pack_activation_number', 'Number of the activation whose pack a shard runs', ['shard'])
  const failing = gauge('pack_take_up_failing', '1 while this node cannot take up the pack in force, and why', [
    'reason',
  ])
  return (scraped) => {
    for (const reason of takeUpReasons) failing.labels(reason).set(scraped.takeUp?.reason === reason ? 1 : 0)
    pack.reset()
    for (const runs of scraped.packs) {
      pack.labels(String(runs.shard), runs.packHash).set(1)
      activation.labels(String(runs.shard)).set(runs.activation)
    }
    quarantined.reset()
    for (const { rule } of scraped.watch.quarantined) quarantined.labels(rule).set(1)
    for (const [rule, count] of scraped.watch.throws) thrown.labels(rule).set(count)
    replaced.set(scraped.watch.replaced)
    received.set(scraped.intake.received)
    for (const [reason, count] of Object.entries(scraped.intake.rejected)) rejected.labels(reason).set(count)
    applied.labels('accepted').set(scraped.totals.accepted)
    applied.labels('duplicate').set(scraped.totals.duplicates)
    applied.labels('dead_lettered').set(scraped.totals.deadLettered)
    decided.set(scraped.totals.decisions)
    // Partitions move between nodes: what this one no longer has is the other's to tell.
    for (const own of [lag, unpublished, closed, adopted]) own.reset()
    for (const partition of scraped.partitions) {
      const label = String(partition.partition)
      lag.labels(label).set(partition.end - partition.next)
      unpublished.labels(label).set(partition.seq - partition.published)
      closed.labels(label).set(partition.state === 'closed' ? 1 : 0)
      adopted.labels(label).set(partition.adopted)
    }
    const sum = (pick: (cache: CacheUsage) => number) => scraped.caches.reduce((total, cache) => total + pick(cache), 0)
    cacheCustomers.set(sum((cache) => cache.customers))
    cacheBytes.set(sum((cache) => cache.bytes))
    cacheMax.set(sum((cache) => cache.maxBytes))
    overflows.labels('event_ids').set(sum((cache) => cache.overflows.eventIds))
    overflows.labels('contacts').set(sum((cache) => cache.overflows.contacts))
    overflows.labels('state_size').set(sum((cache) => cache.overflows.softLimit))
    overflows.labels('adopted').set(sum((cache) => cache.overflows.adopted))
    letters.reset()
    for (const [reason, count] of Object.entries(scraped.deadLetters.byReason)) letters.labels(reason).set(count)
    lettersDropped.set(scraped.deadLetters.dropped)
    historyLag.set(scraped.history?.lagRecords ?? 0)
    units.reset()
    oversold.reset()
    for (const { resource, left, reserved, confirmed, oversold: beyond } of scraped.stock) {
      unknown.labels(resource).set(left === null ? 1 : 0)
      if (left === null || reserved === null || confirmed === null || beyond === null) continue
      units.labels(resource, 'left').set(left)
      units.labels(resource, 'reserved').set(reserved)
      units.labels(resource, 'confirmed').set(confirmed)
      oversold.labels(resource).set(beyond)
    }
    filled.labels('read').set(scraped.backfill.read)
    filled.labels('added').set(scraped.backfill.added)
    if (scraped.shadow !== null) {
      shadowLag.set((scraped.shadow.lagMs ?? 0) / 1_000)
      shadowDecisions.set(scraped.shadow.decisions)
      shadowDifferences.set(scraped.shadow.differences)
    }
    historyUp.set(scraped.history?.state === 'running' ? 1 : 0)
  }
}
