/** What may be expected besides offers: how far a refused one came, what waits, what was taken back, what may leave. */
import { expect, test } from 'vitest'
import { createPlayer } from '../../../engine/scenarios/run-scenario.ts'
import { retailPack, scenarioOf, story } from '../../rules/scenarios/retail-names.ts'

const play = createPlayer(retailPack)
const fx = '{ event: page.viewed, data: { pageGroup: fx }, times: 3, every: 1m }'
const gaming = '{ event: card.purchase, data: { merchantCategory: gaming }, times: 3, every: 1m }'
const wealth = '{ event: page.viewed, data: { pageGroup: wealth } }'
const advise = '{ request: adviser_desk, count: 3, after: 1m }'
const night = '{ wait: 13h }'
const died = '{ event: life_event.reported, data: { kind: bereavement }, after: 1m }'
const head =
  'gateway: silent\ncustomer: { consents: [push, sms], profile: { birthDate: 1990-01-01T00:00Z, employmentStatus: employed, studentStatus: false } }\nsteps:'

/** What came instead of what was expected; empty: it came. */
function came(...steps: readonly string[]): readonly string[] {
  const { failures } = play(scenarioOf(story(...steps).replace('steps:', head)))
  return failures.map(({ about, expected, came: got }) => `${about}: ${expected} <> ${got}`)
}

test.each<readonly [string, readonly string[], readonly string[]]>([
  ['a refusal by its stage', [fx, fx, 'expect: { not offered: { fx_wallet: { stage: contact } } }'], []],
  [
    'a refusal by its rule',
    [fx, '{ wait: 1m }', fx, 'expect: { not offered: { fx_wallet: { rule: fx-offer-week, stage: contact } } }'],
    [],
  ],
  [
    'a refusal at another stage',
    [fx, '{ wait: 1m }', fx, 'expect: { not offered: { fx_wallet: { reason: cap_reached, stage: guardrail } } }'],
    ['not offered: fx_wallet not offered (cap_reached, guardrail) <> cap_reached, fx-offer-week, contact (3 times)'],
  ],
  ['what waits for the morning', [night, gaming, 'expect: { held: gaming_instalments }'], []],
  [
    'nothing that waits',
    [gaming, 'expect: { held: gaming_instalments }'],
    ['held: gaming_instalments held <> nothing'],
  ],
  ['that nothing waits', [night, gaming, 'expect: { held: [] }'], ['held: nothing held <> gaming_instalments']],
  ['what was taken back', [fx, died, 'expect: { recalled: fx_wallet }'], []],
  ['that nothing was taken back', [fx, died, 'expect: { recalled: [] }'], ['recalled: nothing recalled <> fx_wallet']],
  [
    'nothing that was taken back',
    [fx, '{ wait: 1m }', 'expect: { recalled: fx_wallet }'],
    ['recalled: fx_wallet recalled <> nothing'],
  ],
  ['a price', [wealth, advise, 'expect: { prices: { wealth_r1_deposit.yearly_rate: 0.0185 } }'], []],
  [
    'another price',
    [wealth, advise, 'expect: { prices: { wealth_r1_deposit.yearly_rate: 0.0215 } }'],
    ['price: wealth_r1_deposit.yearly_rate 2.15 % <> 1.85 %'],
  ],
  [
    'the price of what is not offered',
    [wealth, advise, 'expect: { prices: { family_bundle.instalment_fee: "0.00" } }'],
    ['price: family_bundle.instalment_fee 0.00 CNY <> nothing'],
  ],
  ['what may leave', [fx, 'expect: { permitted: fx_wallet }'], []],
  ['what may not leave any more', [fx, '{ wait: 25h }', 'expect: { not permitted: { fx_wallet: lapsed } }'], []],
  ['what may not leave for whatever reason', [fx, '{ wait: 25h }', 'expect: { not permitted: fx_wallet }'], []],
  ['what was recalled may not leave', [fx, died, 'expect: { not permitted: { fx_wallet: recalled } }'], []],
  ['what was never sent may not leave', [died, 'expect: { not permitted: { fx_wallet: decision_unknown } }'], []],
  [
    'what may leave and should not',
    [fx, 'expect: { not permitted: [fx_wallet] }'],
    ['permit fx_wallet: fx_wallet: not permitted <> permitted'],
  ],
  [
    'what may not leave and should',
    [fx, died, 'expect: { permitted: [fx_wallet] }'],
    ['permit fx_wallet: fx_wallet: permitted <> recalled'],
  ],
  [
    'another answer to the gateway',
    [fx, died, 'expect: { not permitted: { fx_wallet: lapsed } }'],
    ['permit fx_wallet: fx_wallet: lapsed <> recalled'],
  ],
])('%s', (_what, steps, wrong) => {
  expect(came(...steps)).toEqual(wrong)
})

test('asking for a permit changes nothing', () => {
  const { failures } = play(
    scenarioOf(
      story(
        fx,
        'expect: { permitted: fx_wallet }',
        'expect: { permitted: fx_wallet }',
        died,
        'expect: { recalled: fx_wallet }',
      ).replace('steps:', head),
    ),
  )
  expect(failures).toEqual([])
})
