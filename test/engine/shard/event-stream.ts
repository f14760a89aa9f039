/** A seeded stream of bank events with everything that goes wrong in one: repeats, torn bytes, late and misplaced events. */
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import type { Event, FieldValue } from '../../../ingest/event.ts'
import type { NewRecord } from '../../../ingest/log.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import { epoch, partitions } from './data-folder.ts'

export type StreamRecord = { readonly partition: number; readonly record: NewRecord }

/** Uniform number in [0, 1) that follows from two integers (finaliser of MurmurHash3). */
export function noise(n: number, salt: number): number {
  let h = Math.imul(n ^ Math.imul(salt, 0x9e3779b1), 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  h ^= h >>> 16
  h = Math.imul(h, 0x27d4eb2f)
  return ((h ^ (h >>> 15)) >>> 0) / 4_294_967_296
}

/** The n-th record of the stream; the same for the same n. About one in ten is not a new, sound event. */
export function streamRecord(n: number, customers: number): StreamRecord {
  const kind = noise(n, 1)
  const appendTime = epoch + n * 250
  if (kind < 0.05 && n > 100) {
    const earlier = streamRecord(n - 1 - Math.floor(noise(n, 2) * 90), customers)
    return { partition: earlier.partition, record: { ...earlier.record, appendTime } }
  }
  const event = streamEvent(n, customers)
  const partition = partitionOf(event.customerId, partitions)
  const record: NewRecord = { key: event.customerId, value: encodeEvent(event), appendTime }
  if (kind < 0.07) return { partition, record: { ...record, value: record.value.subarray(0, record.value.length - 3) } }
  if (kind < 0.08) return { partition: (partition + 1) % partitions, record }
  if (kind < 0.1) {
    const late = { ...event, time: event.time - 80 * 3_600_000 }
    return { partition, record: { ...record, value: encodeEvent(late) } }
  }
  return { partition, record }
}

function streamEvent(n: number, customers: number): Event {
  const customerId = `C${Math.floor(noise(n, 3) ** 1.5 * customers)}`
  const time = epoch + n * 250 - Math.floor(noise(n, 4) * 20_000)
  const event = (source: string, type: string, data: Readonly<Record<string, FieldValue>>): Event => ({
    id: `e${n}`,
    source,
    type,
    customerId,
    time,
    provenance: { via: 'demo', consentId: null },
    data,
  })
  const pick = noise(n, 5)
  const amount = 100 + Math.floor(noise(n, 6) * 90_000)
  if (pick < 0.3) {
    const merchantCategory = noise(n, 7) < 0.2 ? 'maternity' : 'grocery'
    const data = { amount, currency: 'CNY', merchantCategory, merchantId: null, channel: 'pos', country: 'CN' }
    return event('card-system', 'card.purchase', data)
  }
  if (pick < 0.7) {
    const pageGroup = ['fx', 'wealth', 'loans', 'study_abroad'][Math.floor(noise(n, 8) * 4)] ?? 'home'
    return event('mobile-app', 'page.viewed', {
      page: '/',
      pageGroup,
      dwellMs: 1_000 + Math.floor(noise(n, 9) * 50_000),
    })
  }
  if (pick < 0.8) {
    const category = noise(n, 10) < 0.5 ? 'early_education' : 'study_abroad'
    return event('mobile-app', 'search.made', { category, text: null })
  }
  if (pick < 0.86) return event('crm', 'consent.updated', { channel: 'push', granted: true, purpose: 'marketing' })
  if (pick < 0.9) {
    return event('crm', 'life_event.reported', { kind: 'unemployment', resolved: noise(n, 11) < 0.6, occurredAt: null })
  }
  return event('core-banking', 'profile.updated', {
    employmentStatus: 'employed',
    studentStatus: false,
    riskGrade: 'balanced',
    birthDate: Date.UTC(1985, 0, 1),
    totalAssets: amount * 100,
    currency: 'CNY',
    residenceRegion: null,
    tier: null,
    hasChildren: null,
    cleared: [],
  })
}
