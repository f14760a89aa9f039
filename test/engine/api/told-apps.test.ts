/** What leaves for an app tells nothing of what is inferred of a customer; the bank's own record tells all of it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decisionAnswer } from '../../../engine/api/schemas.ts'
import { loadPack } from '../../../rules/load-pack.ts'
import { reasons } from '../../../rules/reasons.ts'
import { sensitiveWordIn } from '../../../rules/sensitive-words.ts'
import { cloudEvent, type RunningEngine, runEngine } from '../running-engine.ts'

let engine: RunningEngine
beforeAll(async () => {
  engine = await runEngine({ history: true })
}, 60_000)
afterAll(() => engine.stop())

const loaded = await loadPack('rules/packs/retail-bank')
if (loaded.kind === 'refused') throw new Error('the sample pack is sound')
const { model } = loaded.pack
const rules = [
  ...model.guardrails,
  ...model.caps,
  ...model.gaps,
  ...model.pauses,
  ...model.quietHours,
  ...model.triggers,
]

/** Somebody who gets the travel instalments when nothing forbids it, and to whom something happened. */
async function settle(customerId: string, kind: string): Promise<void> {
  const birthDate = Date.UTC(1980, 0, 1)
  const events = [
    cloudEvent(customerId, 'profile.updated', { employmentStatus: 'employed', studentStatus: false, birthDate }),
    cloudEvent(customerId, 'card.purchase', travel),
    cloudEvent(customerId, 'life_event.reported', { kind, resolved: false }),
  ]
  for (const event of events)
    expect((await engine.call('POST', '/v1/events', event)).body, JSON.stringify(event)).toMatchObject({ accepted: 1 })
}

const travel = { amount: 900_000, currency: 'CNY', merchantCategory: 'travel', channel: 'online', country: 'CN' }

const told: ReadonlySet<string> = new Set(['offered', 'repeated_request', 'not_available', 'cold_start'])

test.each(['unemployment', 'bereavement', 'illness', 'divorce', 'hardship'])(
  'an app is not told of %s, the record is',
  async (kind) => {
    const customerId = `C-${kind}`
    await settle(customerId, kind)
    for (const placement of ['app_offers', 'app_home_banner']) {
      const { body, text } = await engine.call('POST', '/v1/decisions', { customerId, placement, requestId: 'r' })
      const answer = decisionAnswer.parse(body)
      expect(told).toContain(answer.reason)
      for (const { id } of rules) expect(text).not.toContain(id)
      // What an offer is may have such a word in it; anything else of the answer may not.
      const { offers, ...rest } = answer
      // Nor are hashes words, though one in some hundreds of them has "dead" between two digits.
      const words = JSON.stringify({ ...rest, decisionId: '', packHash: '' }).replace(/[^a-z]+/gi, ' ')
      expect(sensitiveWordIn(words, 'en')).toBeNull()
      for (const code of Object.keys(reasons))
        if (!told.has(code)) expect(JSON.stringify(rest)).not.toContain(`"${code}"`)
      expect(offers.length).toBeGreaterThan(0)
    }
    await engine.engine.shards.drained()
    const page = Object((await engine.call('GET', '/v1/tail?cursor=start&limit=1000')).body)
    const records = JSON.stringify(
      page.decisions.filter((record: { readonly customerId: string }) => record.customerId === customerId),
    )
    expect(records.includes(`"reason":"${kind}"`)).toBe(true)
  },
)

test('without such an event the offer is made, so that it is the event that is not told', async () => {
  await settle('C-other', 'other')
  const asked = { customerId: 'C-other', placement: 'app_offers', requestId: 'r' }
  const { text } = await engine.call('POST', '/v1/decisions', asked)
  expect(text).toContain('travel_instalments')
  expect(text).toContain('"reason":"offered"')
})

test('a decision is explained for whom it is asked: others than staff get words and no record', async () => {
  const customerId = 'C-explained'
  await settle(customerId, 'bereavement')
  const asked = await engine.call('POST', '/v1/decisions', { customerId, placement: 'app_offers', requestId: 'r' })
  const { decisionId } = Object(asked.body)
  const explain = (query: string) => engine.call('GET', `/v1/decisions/${decisionId}?${query}`)
  await expect.poll(async () => (await explain('')).status, { timeout: 30_000, interval: 250 }).toBe(200)
  const staff = await explain('for=staff')
  expect(staff.text).toContain('bereavement')
  expect(Object(staff.body).fates.length).toBeGreaterThan(0)
  for (const audience of ['customer', 'manager']) {
    for (const language of ['en', 'zh'] as const) {
      const { body, text } = await explain(`for=${audience}&language=${language}`)
      expect(Object.keys(Object(body)).sort()).toEqual(['audience', 'explanation', 'id'])
      expect(text).not.toMatch(/bereavement|death|去世|静默/)
      expect(text).not.toContain(customerId)
      expect(Object(body).explanation.at(-1)).toContain(decisionId)
    }
  }
  expect((await explain('for=everybody')).status).toBe(400)
}, 60_000)
