import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Event, Via } from '../../../ingest/event.ts'
import { createAliasSeal } from '../../../ingest/identity/alias-seal.ts'
import { createIdentities, type Identities } from '../../../ingest/identity/identities.ts'
import type { IdentityMap } from '../../../ingest/identity/identity-map.ts'
import { openLmdbIdentityMap } from '../../../ingest/identity/lmdb-identity-map.ts'

const hourMs = 3_600_000
const acceptedAt = 1_760_000_000_000
const seal = createAliasSeal(Buffer.alloc(32, 7))
let dir: string
let map: IdentityMap
let identities: Identities
/** What was asked of the map. */
let asked: string[]

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-identities-'))
  map = openLmdbIdentityMap({ dir, seal, now: () => acceptedAt })
  asked = []
  const watched: IdentityMap = {
    aliasesOf: (customerId) => map.aliasesOf(customerId),
    forget: (customerId) => map.forget(customerId),
    all: () => map.all(),
    keep: (kept) => map.keep(kept),
    close: () => map.close(),
    resolve: (aliases) => {
      asked.push(`resolve ${aliases.length}`)
      return map.resolve(aliases)
    },
    change: (changes) => {
      asked.push(`change ${changes.length}`)
      return map.change(changes)
    },
  }
  identities = createIdentities({ map: watched, seal, latenessMs: 24 * hourMs, aheadMaxMs: 14 * hourMs })
})
afterEach(async () => {
  await map.close()
  await rm(dir, { recursive: true })
})

let serial = 0
function event(customerId: string, type = 'page.viewed', extra: Partial<Event> = {}): Event {
  const provenance = { via: 'http' as const, consentId: null }
  return { id: `e${serial++}`, source: 'crm', type, customerId, time: acceptedAt, provenance, data: {}, ...extra }
}
const linked = (customerId: string, alias: string, extra: Partial<Event> = {}) =>
  event(customerId, 'identity.linked', { data: { alias }, ...extra })
const unlinked = (customerId: string, alias: string, extra: Partial<Event> = {}) =>
  event(customerId, 'identity.unlinked', { data: { alias }, ...extra })

/** What became of each event: its customer, or the reason and the field. */
async function settle(events: readonly Event[], via: Via = 'http'): Promise<readonly string[]> {
  const named = events.map((one) => ({ event: one, acceptedAt }))
  const settled = await identities.settle(named, via)
  return settled.map((one) =>
    one.kind === 'ok' ? one.event.customerId : `${one.rejection.reason} ${one.rejection.field}`,
  )
}

test('one look at the map serves all aliases of a batch, and a plain id needs none', async () => {
  await settle([linked('C1', '@device:a'), linked('C2', '@card:b')])
  asked = []
  const events = ['@device:a', 'C9', '@card:b', '@device:a', '@device:nobody'].map((name) => event(name))
  expect(await settle(events)).toEqual(['C1', 'C9', 'C2', 'C1', 'customer_unknown customerId'])
  expect(asked).toEqual(['resolve 3'])
})

test('what one event links the next one may name, what it unlinks no more', async () => {
  const events = [
    event('@device:a'),
    linked('C1', '@device:a'),
    linked('C1', '@device:b'),
    event('@device:a'),
    event('@device:b'),
    unlinked('C1', '@device:a'),
    linked('C2', '@device:a'),
    event('@device:b'),
    event('@device:a'),
  ]
  const fates = ['customer_unknown customerId', 'C1', 'C1', 'C1', 'C1', 'C1', 'C2', 'C1', 'C2']
  expect(await settle(events)).toEqual(fates)
  expect(asked).toEqual(['resolve 2', 'change 2', 'change 2'])
})

test('an event that is taken holds its alias sealed, and nothing of what was said', async () => {
  const [one] = await identities.settle([{ event: linked('C1', '@card:6225880123456789'), acceptedAt }], 'http')
  expect(one).toMatchObject({ kind: 'ok', event: { data: { alias: seal.alias('@card:6225880123456789') } } })
  expect(JSON.stringify(one)).not.toContain('6225880123456789')
})

test('an alias may be given sealed, as it stands in the log', async () => {
  expect(await settle([linked('C1', seal.alias('@device:a'))])).toEqual(['C1'])
  expect(await identities.customerOf('@device:a')).toBe('C1')
})

test.each([
  ['of the stream', linked('C1', '@device:x'), 'stream', 'untrusted_source null'],
  ['whose customer is an alias', linked('@device:mine', '@device:x'), 'http', 'customer_invalid customerId'],
  ['older than the lateness', linked('C1', '@device:x', { time: acceptedAt - 25 * hourMs }), 'http', 'too_late time'],
  ['from too far ahead', linked('C1', '@device:x', { time: acceptedAt + 15 * hourMs }), 'http', 'time_invalid time'],
  ['of an alias that another has', linked('C1', '@device:theirs'), 'http', 'alias_taken alias'],
  ['to a customer that was erased', linked('C-gone', '@device:x'), 'http', 'erased null'],
] as const)('a link %s is refused and changes nothing', async (_, link, via, fate) => {
  await settle([linked('C1', '@device:mine'), linked('C2', '@device:theirs')])
  await identities.forget('C-gone')
  expect(await settle([link], via)).toEqual([fate])
  expect(await map.resolve(['@device:x', '@device:theirs'].map(seal.alias))).toEqual([null, 'C2'])
})

test('a link is sent again late: the unlinking that came after it stands', async () => {
  const link = linked('C1', '@device:a', { time: acceptedAt - 2 * hourMs })
  await settle([link, unlinked('C1', '@device:a', { time: acceptedAt - hourMs })])
  expect(await settle([link])).toEqual(['too_late time'])
  expect(await identities.customerOf('@device:a')).toBeNull()
})

test('a sender whose clock is ahead does not keep others from changing the alias', async () => {
  await settle([linked('C1', '@device:a', { time: acceptedAt + hourMs })])
  expect(await settle([unlinked('C1', '@device:a')])).toEqual(['C1'])
})
