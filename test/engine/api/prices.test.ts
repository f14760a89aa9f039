/** What an app is told of prices is what the record, the history and staff have. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decisionAnswer } from '../../../engine/api/schemas.ts'
import { cloudEvent, type RunningEngine, runEngine } from '../running-engine.ts'

let engine: RunningEngine
beforeAll(async () => {
  engine = await runEngine({ history: true })
}, 60_000)
afterAll(() => engine.stop())

test('the price of a deposit is the same in the answer, the record, the history and the words for staff', async () => {
  const customerId = 'C-saver'
  const events = [
    cloudEvent(customerId, 'profile.updated', {
      totalAssets: 60_000_000,
      currency: 'CNY',
      birthDate: Date.UTC(1980, 0, 1),
    }),
    cloudEvent(customerId, 'page.viewed', { page: '/wealth', pageGroup: 'wealth', dwellMs: 1_000 }),
  ]
  for (const event of events)
    expect((await engine.call('POST', '/v1/events', event)).body, JSON.stringify(event)).toMatchObject({ accepted: 1 })
  const asked = { customerId, placement: 'adviser_desk', requestId: 'r' }
  const answer = decisionAnswer.parse((await engine.call('POST', '/v1/decisions', asked)).body)
  const deposit = answer.offers.find(({ offer }) => offer === 'wealth_r1_deposit')
  expect(deposit?.prices).toEqual([{ id: 'yearly_rate', kind: 'rate', value: 0.0215 }])
  for (const { offer, prices } of answer.offers) if (offer !== 'wealth_r1_deposit') expect(prices).toBeUndefined()

  const at = `/v1/decisions/${answer.decisionId}`
  await expect.poll(async () => (await engine.call('GET', at)).status, { timeout: 30_000, interval: 250 }).toBe(200)
  const record = Object((await engine.call('GET', `${at}?for=staff`)).body)
  expect(record.prices).toEqual([
    { offer: 'wealth_r1_deposit', price: 'yearly_rate', kind: 'rate', value: 0.0215, known: true },
  ])
  expect(record.explanation.join('\n')).toContain('2.15 %. It depended on profile.totalAssets alone')
  const query = `SELECT offer, price, kind, value, known FROM prices_told WHERE decision_id = '${answer.decisionId}'`
  const { text } = Object((await engine.call('POST', '/v1/sql', { query, format: 'csv' })).body)
  expect(text).toContain('"wealth_r1_deposit","yearly_rate","rate",0.0215,1')
}, 60_000)
