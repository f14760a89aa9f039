/** `POST /v1/dry-runs`: what a request or an event would lead to for a customer, with nothing touched. */
import { z } from 'zod'
import { isAlias } from '../../ingest/identity/alias.ts'
import type { Identities } from '../../ingest/identity/identities.ts'
import { checkItem } from '../../ingest/intake-item.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { formatProblems } from '../../rules/pack-problem.ts'
import type { Codecs } from '../../sinks/codecs.ts'
import type { DryRunInput } from '../dry-run/dry-run.ts'
import type { DryRunAnswer, DryRunOrder } from '../dry-run/run-order.ts'
import type { Past } from '../shard/series-past.ts'
import { type CustomerCopy, ShardError, type Shards } from '../shard/shards.ts'
import type { ReadStock } from '../stock.ts'
import type { Worked } from '../workshop/workshop.ts'
import { namedCustomer } from './customer-name.ts'
import { parseJson } from './decisions.ts'
import { type HttpReply, type HttpRequest, json, later, problem, type Route } from './http.ts'
import { customerName, firstIssue, packBodyMaxBytes, packChoice } from './schemas.ts'

export type DryRunParts = {
  readonly shards: Pick<Shards, 'copy'>
  readonly identities: Pick<Identities, 'customerOf'>
  readonly codecs: Pick<Codecs, 'events'>
  readonly packInForce: () => LoadedPack
  readonly packOf: (hash: string) => Promise<LoadedPack | null>
  /** Rules of the pack in force that are out of service here, by name. */
  readonly quarantined: () => readonly string[]
  readonly learned: () => LoadedLearned | null
  readonly past: () => Past
  readonly stock: ReadStock
  readonly salt: string
  readonly clock: { readonly kind: 'wall' | 'event'; now(): number }
  readonly newId: () => string
  /** Works it out, off this thread. */
  readonly run: (order: DryRunOrder) => Promise<Worked<DryRunAnswer>>
}

/** An event as for `POST /v1/events`; what is left out is filled in: now, a new id, the customer of the call. The source counts: not every one may be used. */
const triedEvent = z.looseObject({ type: z.string(), source: z.string(), data: z.looseObject({}) })

export const dryRunBody = z
  .strictObject({
    customerId: customerName,
    placement: z.string().min(1).max(64).optional().describe('Id of an inbound placement: what would be shown there.'),
    count: z.int().min(1).max(20).optional().describe('How many offers are wanted; the placement’s slots when absent.'),
    event: triedEvent
      .optional()
      .describe('An event as in POST /v1/events; `id`, `time` and `subject` may be left out.'),
    ...packChoice,
    language: z.enum(['en', 'zh']).optional(),
  })
  .refine(({ placement, event }) => (placement === undefined) !== (event === undefined), 'give placement or event')

type Body = z.infer<typeof dryRunBody>

export function dryRunRoute(parts: DryRunParts): Route {
  return {
    method: 'POST',
    path: '/v1/dry-runs',
    access: ['operator', 'author', 'compliance', 'approver'],
    bodyMaxBytes: packBodyMaxBytes,
    handle: later((request) => dryRun(parts, request)),
  }
}

async function dryRun(parts: DryRunParts, request: HttpRequest): Promise<HttpReply> {
  const checked = dryRunBody.safeParse(parseJson(request.body))
  if (!checked.success) return problem('body_invalid', firstIssue(checked.error))
  const body = checked.data
  const named = await namedCustomer(parts.identities, body.customerId)
  if (named.kind === 'refused') return named.reply
  const input = inputOf(parts, body, named.customerId)
  if (input.kind === 'refused') return input.reply
  const pack = await packOf(parts, body)
  if (pack === null) return problem('not_found', 'No such version is kept; `proffer pack list` shows those that are.')
  let customer: CustomerCopy
  try {
    customer = await parts.shards.copy(named.customerId)
  } catch (cause) {
    if (cause instanceof ShardError) return problem('partition_unavailable', cause.message)
    throw cause
  }
  if (customer.erasedAt !== null)
    return problem('customer_erased', 'Nothing of this customer is kept, so that there is nothing to try.')
  const left = Object.fromEntries((await parts.stock()).map(({ resource, left: units }) => [resource, units]))
  const { observedSince, added } = parts.past()
  const answer = await parts.run({
    customer,
    input: input.input,
    pack,
    quarantined: pack.kind === 'loaded' && pack.isInForce ? parts.quarantined() : [],
    learned: parts.learned(),
    salt: parts.salt,
    past: { observedSince, added },
    left,
    clock: parts.clock.kind,
    language: body.language ?? (request.acceptLanguage.toLowerCase().startsWith('zh') ? 'zh' : 'en'),
  })
  switch (answer.kind) {
    case 'worked':
      return replyOf(answer.value)
    case 'busy':
      return problem('busy', 'Other work on packs waits already. Try again in a moment.')
    case 'stopping':
      return problem('stopping', 'Retry on another node or in a moment.')
    default:
      return problem('body_invalid', 'The pack is too large to be tried within the bounds of the workshop.')
  }
}

function replyOf(answer: DryRunAnswer): HttpReply {
  switch (answer.kind) {
    case 'done':
      return json(200, answer.run)
    case 'pack_refused':
      return problem('body_invalid', `The pack is refused.\n${formatProblems(answer.problems)}`)
    case 'placement_unknown': {
      const inbound = `Inbound placements are: ${answer.inbound.join(', ')}.`
      const why = answer.isOutbound ? 'Nobody asks for an outbound placement: give the event that leads to it. ' : ''
      return problem('placement_unknown', `${why}${inbound}`)
    }
    default:
      return answer satisfies never
  }
}

async function packOf(parts: DryRunParts, { files, version }: Body): Promise<DryRunOrder['pack'] | null> {
  if (files !== undefined) return { kind: 'files', files }
  const inForce = parts.packInForce()
  if (version === undefined || version === inForce.hash) return { kind: 'loaded', pack: inForce, isInForce: true }
  const pack = await parts.packOf(version)
  return pack === null ? null : { kind: 'loaded', pack, isInForce: false }
}

type Read =
  | { readonly kind: 'ok'; readonly input: DryRunInput }
  | { readonly kind: 'refused'; readonly reply: HttpReply }

function inputOf(parts: DryRunParts, { placement, count, event }: Body, customerId: string): Read {
  if (event === undefined)
    return {
      kind: 'ok',
      input: { kind: 'request', placement: placement ?? '', count: count ?? null, requestId: parts.newId() },
    }
  const now = new Date(parts.clock.now()).toISOString()
  const whole = { specversion: '1.0', id: parts.newId(), time: now, subject: customerId, ...event }
  const item = checkItem(
    parts.codecs.events,
    { kind: 'json', value: whole, bytes: Buffer.from(JSON.stringify(whole)) },
    'http',
  )
  if (item.kind === 'rejected') {
    const { reason, field } = item.rejection
    return refused(
      problem(
        'body_invalid',
        `The event would be refused at the door: ${reason}${field === null ? '' : ` (${field})`}.`,
      ),
    )
  }
  const named = item.event.customerId
  if (named !== customerId && !isAlias(named))
    return refused(problem('body_invalid', 'event.subject: another customer than that of the call. Leave it out.'))
  return { kind: 'ok', input: { kind: 'event', event: { ...item.event, customerId } } }
}

function refused(reply: HttpReply): Read {
  return { kind: 'refused', reply }
}
