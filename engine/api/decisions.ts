/** `POST /v1/decisions`: what to show this customer now. */
import { isUtf8 } from 'node:buffer'
import { isAlias } from '../../ingest/identity/alias.ts'
import { appReasonOf } from '../../rules/disclosures.ts'
import type { LoadedPack, OfferModel } from '../../rules/model.ts'
import { amountText } from '../../rules/price-words.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { DecisionRequest, Position } from '../shard/shards.ts'
import { asksDecisions } from './access.ts'
import { type ByAliasParts, decideByAlias } from './decide-by-alias.ts'
import type { HttpReply, HttpRequest, Route } from './http.ts'
import { failed, problem } from './http.ts'
import { decisionBody, firstIssue } from './schemas.ts'

export type DecisionRouteParts = ByAliasParts & {
  /** In force; another one each time another pack comes into force. */
  readonly pack: () => LoadedPack
  /** Makes an id for a request that brought none. */
  readonly newRequestId: () => string
  readonly deadlineMs: number
  readonly partitions: number
}

/** The route. Answers 200 with a decision always, also when it is the fallback; 4xx only for calls that make no sense. */
export function decisionRoute(parts: DecisionRouteParts): Route {
  let current = contentsOf(parts.pack())
  // Answers made under the pack before may still be on their way out.
  let before = current
  const inForce = (): PackContents => {
    const pack = parts.pack()
    if (pack.hash === current.hash) return current
    before = current
    current = contentsOf(pack)
    return current
  }
  const handle = (request: HttpRequest, reply: (reply: HttpReply) => void): void => {
    const asked = readRequest(request, parts, inForce().slotsOf)
    if (asked.kind === 'refused') {
      reply(asked.reply)
      return
    }
    const { customerId } = asked.request
    const decided = isAlias(customerId) ? decideByAlias(parts, asked.request) : parts.shards.decide(asked.request)
    decided.then(
      ({ decision }) =>
        reply({
          status: 200,
          contentType: 'application/json',
          body: answerBody(decision, asked.request.requestId, decision.packHash === before.hash ? before : inForce()),
        }),
      (cause: unknown) => reply(failed(cause)),
    )
  }
  return { method: 'POST', path: '/v1/decisions', access: asksDecisions, handle }
}

/** What the route knows of a pack. */
type PackContents = {
  readonly hash: string
  /** Slots of the inbound placements. */
  readonly slotsOf: ReadonlyMap<string, number>
  readonly contents: ReadonlyMap<string, string>
  readonly currency: string
}

function contentsOf({ hash, model }: LoadedPack): PackContents {
  const inbound = model.placements.filter(({ direction }) => direction === 'inbound')
  return {
    hash,
    currency: model.currency,
    slotsOf: new Map(inbound.map(({ id, slots }) => [id, slots])),
    contents: new Map(model.offers.map((offer) => [offer.id, contentOf(offer)])),
  }
}

type Asked =
  | { readonly kind: 'ok'; readonly request: DecisionRequest }
  | { readonly kind: 'refused'; readonly reply: HttpReply }

function readRequest(http: HttpRequest, parts: DecisionRouteParts, slotsOf: ReadonlyMap<string, number>): Asked {
  const parsed = parseJson(http.body)
  if (parsed === undefined) return refused(problem('body_invalid', 'Send JSON.'))
  const checked = decisionBody.safeParse(parsed)
  if (!checked.success) return refused(problem('body_invalid', firstIssue(checked.error)))
  const body = checked.data
  const slots = slotsOf.get(body.placement)
  if (slots === undefined)
    return refused(problem('placement_unknown', `Inbound placements are: ${[...slotsOf.keys()].join(', ')}.`))
  const after = body.after === undefined ? null : parsePosition(body.after, parts.partitions)
  if (after === 'unknown') return refused(problem('body_invalid', 'after: there is no such partition.'))
  return {
    kind: 'ok',
    request: {
      customerId: body.customerId,
      requestId: body.requestId ?? parts.newRequestId(),
      placement: body.placement,
      count: Math.min(body.count ?? slots, slots),
      deadlineAt: parts.now() + (body.deadlineMs ?? parts.deadlineMs),
      after,
      personalised: body.personalised !== false,
    },
  }
}

function refused(reply: HttpReply): Asked {
  return { kind: 'refused', reply }
}

/** Parses a position token; `unknown` when the partition does not exist. */
export function parsePosition(token: string, partitions: number): Position | 'unknown' {
  const dash = token.indexOf('-')
  const partition = Number(token.slice(1, dash))
  const offset = Number(token.slice(dash + 1))
  if (!Number.isSafeInteger(offset) || partition >= partitions) return 'unknown'
  return { partition, offset }
}

/** A body as JSON, or undefined when it is not. Bytes that are not UTF-8 are refused: read leniently, two ids could become one. */
export function parseJson(body: Uint8Array): unknown {
  if (!isUtf8(body)) return undefined
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'))
  } catch {
    // Not JSON: the caller answers 400, which is the report.
    return undefined
  }
}

/** The part of an offer that is the same in every answer, rendered once. */
function contentOf(offer: OfferModel): string {
  const { title, category, contentType } = offer
  const parts = offer.parts.map(({ id, title }) => ({ id, title }))
  const rendered = JSON.stringify({ offer: offer.id, title, category, contentType, parts })
  return rendered.slice(0, -1)
}

/** What the app gets: nothing of the candidates that were refused, and of the reason only what may be told. */
function answerBody(decision: Decision, requestId: string, { contents, currency }: PackContents): string {
  let offers = ''
  for (const item of decision.offers) {
    const content = contents.get(item.offer) ?? `{"offer":${JSON.stringify(item.offer)}`
    offers += `${offers === '' ? '' : ','}${content},"score":${item.score}${pricesOf(decision, item.offer, currency)}}`
  }
  return (
    `{"decisionId":"${decision.id}","requestId":${JSON.stringify(requestId)},"placement":${JSON.stringify(decision.placement)},` +
    `"outcome":"${decision.outcome}","reason":"${appReasonOf(decision.reason)}","offers":[${offers}],` +
    `"notAfter":${decision.notAfter},"packHash":"${decision.packHash}"}`
  )
}

/** What is told of the prices of an offer; nothing where it has none. How they came about is in the record, for the bank alone. */
function pricesOf({ prices }: Decision, offer: string, currency: string): string {
  if (prices.length === 0) return ''
  const told = prices.flatMap(({ offer: of, price: id, kind, value }) => {
    if (of !== offer) return []
    return [kind === 'fee' ? { id, kind, amount: amountText(value), currency } : { id, kind, value }]
  })
  return told.length === 0 ? '' : `,"prices":${JSON.stringify(told)}`
}
