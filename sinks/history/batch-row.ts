/** What a commit was made from as a row of `batches_raw`, and its inputs that name a customer as rows of `inputs_raw`. */
import type { Batch } from '../batch.ts'
import { encodeBatch } from '../batch-codec.ts'
import type { Place } from './event-row.ts'
import {
  bytesColumn,
  type Column,
  flagColumn,
  textColumn,
  uint16Column,
  wholeColumn,
  wordColumn,
  wordsColumn,
} from './native-block.ts'

/** A batch of the log with its place. */
export type LoggedBatch = { readonly batch: Batch; readonly place: Place }

/** Something that was stepped about a customer. */
export type LoggedInput = {
  readonly place: Place
  readonly seq: number
  readonly kind: 'request' | 'due'
  /** Which step of the batch, and its place among the requests of the step, or among all who were due. */
  readonly step: number
  readonly at: number
  readonly customerId: string
  readonly requestId: string
  readonly placement: string
  readonly count: number
  readonly personalised: boolean
}

const time = "DateTime64(3, 'UTC')"
const formOf = ({ batch }: LoggedBatch) => batch.steps.findLast(({ form }) => form !== null)?.form ?? null
const requestsOf = ({ batch }: LoggedBatch) => batch.steps.reduce((sum, { requests }) => sum + requests.length, 0)

export const batchColumns: readonly Column<LoggedBatch>[] = [
  uint16Column('log_partition', ({ place }) => place.partition),
  wholeColumn('seq', 'UInt64', ({ batch }) => batch.seq),
  wholeColumn('prev', 'UInt64', ({ batch }) => batch.prev),
  wordColumn('kind', ({ batch }) => batch.kind),
  wordColumn('clock', ({ batch }) => batch.clock),
  wholeColumn('decided_at', time, ({ batch }) => batch.now),
  wholeColumn('from_offset', 'UInt64', ({ batch }) => batch.from),
  wholeColumn('next_offset', 'UInt64', ({ batch }) => batch.next),
  wholeColumn('events', 'UInt64', ({ batch }) => batch.events),
  wholeColumn('requests', 'UInt64', requestsOf),
  wholeColumn('due', 'UInt64', ({ batch }) => batch.due.length),
  wholeColumn('decisions', 'UInt64', ({ batch }) => batch.decisions),
  wholeColumn('fallbacks', 'UInt64', ({ batch }) => batch.fallbacks.length),
  wordColumn('pack_hash', (one) => formOf(one)?.pack ?? ''),
  wordColumn('learned_hash', (one) => formOf(one)?.learned ?? ''),
  wordsColumn(
    'quarantined',
    (one) => formOf(one)?.quarantined ?? [],
    (rule) => rule,
  ),
  wordsColumn(
    'revoked',
    (one) => formOf(one)?.revoked ?? [],
    (source) => source,
  ),
  flagColumn('says_series', ({ batch }) => batch.steps.some(({ series }) => series !== null)),
  bytesColumn('record', ({ batch }) => encodeBatch(nameless(batch))),
  wholeColumn('accepted_at', time, ({ place }) => place.appendTime),
]

export const inputColumns: readonly Column<LoggedInput>[] = [
  uint16Column('log_partition', ({ place }) => place.partition),
  wholeColumn('seq', 'UInt64', ({ seq }) => seq),
  wordColumn('kind', ({ kind }) => kind),
  wholeColumn('step', 'UInt64', ({ step }) => step),
  wholeColumn('place', 'UInt64', ({ at }) => at),
  textColumn('customer_id', ({ customerId }) => customerId),
  textColumn('request_id', ({ requestId }) => requestId),
  wordColumn('placement', ({ placement }) => placement),
  wholeColumn('wanted', 'UInt64', ({ count }) => count),
  flagColumn('personalised', ({ personalised }) => personalised),
  wholeColumn('accepted_at', time, ({ place }) => place.appendTime),
]

/** The inputs of a batch that name a customer. */
export function inputsOf({ batch, place }: LoggedBatch): readonly LoggedInput[] {
  const { seq, steps, due } = batch
  const asked = steps.flatMap(({ requests }, step) =>
    requests.map((request, at): LoggedInput => ({ place, seq, kind: 'request', step, at, ...fieldsOf(request) })),
  )
  const nothing = { requestId: '', placement: '', count: 0, personalised: true }
  const waited = due.map(
    (customerId, at): LoggedInput => ({ place, seq, kind: 'due', step: 0, at, customerId, ...nothing }),
  )
  return [...asked, ...waited]
}

function fieldsOf({
  customerId,
  requestId,
  placement,
  count,
  personalised,
}: Batch['steps'][number]['requests'][number]) {
  return { customerId, requestId, placement, count, personalised }
}

/** The batch without whom it is about; as many requests and customers due as it had. */
function nameless(batch: Batch): Batch {
  return {
    ...batch,
    steps: batch.steps.map((step) => ({ ...step, requests: step.requests.map(() => nobody) })),
    due: batch.due.map(() => ''),
  }
}

const nobody = { customerId: '', requestId: '', placement: '', count: 0, personalised: true }
