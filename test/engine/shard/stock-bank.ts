/** A bank with a gift for the first few, for tests of stock: customers are known to the bank by one event. */
import { join } from 'node:path'
import type { LocalShards } from '../../../engine/shard/all-partitions.ts'
import type { DecisionAnswer } from '../../../engine/shard/shards.ts'
import { openResources, resourcesPlaceOf } from '../../../engine/store/open-resources.ts'
import type { StorePlace } from '../../../engine/store/open-store.ts'
import type { Resources } from '../../../engine/store/resource.ts'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import type { Event } from '../../../ingest/event.ts'
import type { Log } from '../../../ingest/log.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { type BankPieces, bank, loadBank } from '../step/bank-pack.ts'
import { request } from './shard-rig.ts'

const text = (en: string) => ({ en, zh: en })

/** What an offer of the bank looks like; a banner of the app, or a message by SMS. */
const gift = (id: string, more: object) => ({
  id,
  title: text(id),
  category: 'news',
  class: 'service',
  contentType: 'banner',
  channels: ['app'],
  value: 3,
  validFor: '1s',
  ...more,
})

export type GiftOptions = {
  readonly units: number
  readonly validFor?: string
  readonly grace?: string
  readonly points?: number
}

/**
 * The bank of the steps with one more offer in the app, `gift`, of which there are so many. It goes before everything else; without it
 * the app shows other things.
 */
export const giftPieces = ({ units, validFor = '60s', grace = '1s', points = 100 }: GiftOptions): BankPieces => ({
  offers: [
    ...bank.offers,
    gift('gift', { takes: [{ resource: 'gifts' }], oncePer: '365d', validFor, priority: 9 }),
    gift('points', {
      takes: [{ resource: 'budget', amount: 30 }],
      validFor,
      contentType: 'message',
      channels: ['sms'],
    }),
    gift('double', {
      takes: [{ resource: 'gifts' }, { resource: 'budget', amount: 30 }],
      contentType: 'card',
      channels: ['inbox'],
      validFor,
      priority: 9,
    }),
  ],
  resources: [
    { id: 'gifts', kind: 'stock', units, grace, text: text('gifts') },
    { id: 'budget', kind: 'budget', units: points, takenBy: 'offering', grace, text: text('points') },
  ],
  triggers: [
    ...bank.triggers,
    { id: 'points', on: 'account.opened', offers: ['points'], placement: 'sms-out', freshness: '1h' },
  ],
})

/** The pack of these pieces, loaded. */
export function giftPack(options: GiftOptions): Promise<LoadedPack> {
  return loadBank(giftPieces(options))
}

/** Puts the units of a pack in force, as the engine does when it starts. */
export async function define(place: StorePlace, { model }: LoadedPack): Promise<Resources> {
  const resources = openResources(resourcesPlaceOf(place))
  for (const { id, units } of model.resources) await resources.define(id, units)
  return resources
}

/** An LMDB of the folder, as data folders have it. */
export const lmdbPlace = (dir: string): StorePlace => ({
  kind: 'lmdb',
  dir: join(dir, 'store'),
  journalBytes: 64 * 1_024,
})

/** The offers that an app shows to a customer. */
export async function shown(
  shards: LocalShards,
  customerId: string,
  placement = 'home-banner',
): Promise<DecisionAnswer> {
  return shards.decide(request(customerId, { placement, deadlineAt: Date.now() + 60_000 }))
}

export const gotGift = ({ decision }: DecisionAnswer): boolean =>
  decision.outcome === 'offered' && decision.offers.some(({ offer }) => offer === 'gift')

let events = 0

/** An event of a customer. */
export function eventOf(customerId: string, type: string, data: Event['data']): Event {
  const id = `stock-${++events}`
  const provenance = { via: 'http', consentId: null } as const
  return { id, source: 'core-banking', type, customerId, time: Date.now(), provenance, data }
}

/** The answer of a customer to an offer. */
export function answerOf(customerId: string, type: string, decisionId: string, offerId = 'gift'): Event {
  return eventOf(customerId, type, { decisionId, offerId, placement: 'home-banner', channel: 'app' })
}

/** Appends events to the log, all of a partition at once. */
export async function appendAll(log: Log, list: readonly Event[]): Promise<void> {
  const by = Array.from({ length: log.partitions }, (): { key: string; value: Uint8Array }[] => [])
  for (const event of list) {
    by[partitionOf(event.customerId, log.partitions)]?.push({ key: event.customerId, value: encodeEvent(event) })
  }
  await Promise.all(by.map((some, partition) => (some.length === 0 ? null : log.append(partition, some))))
}
