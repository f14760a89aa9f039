/** What customers of the stories do, in plain words, third person, without the customer. */

import { durationWords, moneyWords } from '../../engine/explain/value-words.ts'
import type { FieldValue } from '../../ingest/event.ts'
import type { Model } from '../../rules/model.ts'
import type { EventMoment, RawMoment, RequestMoment } from '../workload/moment.ts'

/** An event in words, such as `pays 389.00 CNY with the card (maternity)`. */
export function eventWords({ event, at }: EventMoment, model: Model): string {
  const say = words[event.type]
  const said = say === undefined ? `sends ${event.type}` : say(event.data)
  const shift = event.time - at
  const clock =
    Math.abs(shift) < 60_000
      ? ''
      : `; its sender's clock is ${durationWords(Math.abs(shift), 'en')} ${shift > 0 ? 'ahead' : 'behind'}`
  const source = model.sources.find((known) => known.id === event.source)
  const broker = source === undefined || source.lawfulBasis === 'none' ? `, says ${event.source}` : ''
  return `${said}${broker}${clock}`
}

/** Broken bytes in words. */
export function rawWords({ format, bytes }: RawMoment): string {
  return `a partner sends ${bytes.length} bytes of ${format === 'json' ? 'JSON' : 'Avro'}`
}

/** A live request in words. */
export function requestWords({ placement }: RequestMoment, model: Model): string {
  const channel = model.placements.find((known) => known.id === placement)?.channel
  return channel === 'adviser' ? `sits at an adviser's desk (${placement})` : `opens the app (${placement})`
}

type Data = Readonly<Record<string, FieldValue>>

const text = (data: Data, field: string): string => String(data[field] ?? 'unknown').replaceAll('_', ' ')
const amount = (data: Data): string => moneyWords(Number(data['amount']), text(data, 'currency'))

const words: Readonly<Record<string, (data: Data) => string>> = {
  'card.purchase': (data) => `pays ${amount(data)} with the card (${text(data, 'merchantCategory')})`,
  'transfer.made': (data) =>
    `${data['direction'] === 'in' ? 'receives' : 'transfers'} ${amount(data)} (${text(data, 'kind')})`,
  'repayment.made': (data) => `repays ${amount(data)} of a ${text(data, 'product')}`,
  'page.viewed': (data) => `reads ${text(data, 'page')} for ${durationWords(Number(data['dwellMs']), 'en')}`,
  'search.made': (data) =>
    data['text'] === null ? `searches for ${text(data, 'category')}` : `searches "${text(data, 'text')}"`,
  'life_event.reported': (data) => `${data['resolved'] === true ? 'end of ' : ''}${text(data, 'kind')} is reported`,
  'complaint.updated': (data) => `a ${text(data, 'kind')} is ${data['resolved'] === true ? 'settled' : 'opened'}`,
  'consent.updated': (data) =>
    `${data['granted'] === true ? 'allows' : 'no longer allows'} ${text(data, 'purpose')} by ${text(data, 'channel')}`,
  'account.opened': (data) => `opens a ${text(data, 'accountType')} account`,
  'profile.updated': (data) =>
    typeof data['totalAssets'] === 'number'
      ? `profile: assets are now ${moneyWords(data['totalAssets'], text(data, 'currency'))}`
      : 'profile is updated',
  'nps.answered': (data) => `gives ${text(data, 'score')} of 10 points`,
}
