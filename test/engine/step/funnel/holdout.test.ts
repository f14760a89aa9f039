/**
 * Holdouts: who belongs to one is a matter of salt, id and customer alone; members get no marketing of its scope; the record
 * says what they would have got, so that those who got it can be compared with them.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isHoldoutMember } from '../../../../engine/step/holdout-member.ts'
import type { Decision } from '../../../../sinks/decision.ts'
import { type Bank, createBank, day0, dayMs, fateOf, settle } from '../bank.ts'
import { loadBank, bank as pieces } from '../bank-pack.ts'

const salt = 'salt of the test'
const at = day0 + dayMs
const everything = { categories: 'all' }
const ids = Array.from({ length: 400 }, (_, i) => `customer-${i}`)

const universal = { id: 'universal', percent: 20, applies: everything }
const closedApp = { id: 'app-too', percent: 20, applies: everything, inbound: 'closed' }
const campaign = { id: 'bundle-test', percent: 30, applies: { categories: all(), offers: ['family-bundle'] } }

function all(): 'all' {
  return 'all'
}

const isIn = (holdout: { readonly id: string; readonly percent: number }, customer: string) =>
  isHoldoutMember(salt, holdout, customer)

/** A repayment that proposes `repayment-thanks` by SMS. */
function repay(bank: Bank, customer: string): Decision | undefined {
  settle(bank, customer, day0)
  return bank.send(customer, 'repayment.made', { amount: 500_000 }, { at }).decisions[0]
}

describe('membership', () => {
  test('is 5.0 percent of a million customers, within 0.1', () => {
    let members = 0
    for (let i = 0; i < 1_000_000; i++) if (isIn({ id: 'universal', percent: 5 }, `c${i}`)) members++
    expect(members / 10_000).toBeGreaterThan(4.9)
    expect(members / 10_000).toBeLessThan(5.1)
  }, 60_000)

  test('is the same in another process', () => {
    const module = join(import.meta.dirname, '../../../../engine/step/holdout-member.ts')
    const script = `import { isHoldoutMember } from ${JSON.stringify(module)}
      const ids = Array.from({ length: 2000 }, (_, i) => 'c' + i)
      console.log(ids.filter((id) => isHoldoutMember(${JSON.stringify(salt)}, { id: 'universal', percent: 10 }, id)).join())`
    const theirs = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim()
    const ours = Array.from({ length: 2_000 }, (_, i) => `c${i}`).filter((id) =>
      isIn({ id: 'universal', percent: 10 }, id),
    )
    expect(ours.length).toBeGreaterThan(100)
    expect(theirs).toBe(ours.join())
  })

  test('of one holdout says nothing about another, nor about another installation', () => {
    const many = Array.from({ length: 40_000 }, (_, i) => `c${i}`)
    const both = many.filter((id) => isIn({ id: 'a', percent: 20 }, id) && isIn({ id: 'b', percent: 20 }, id)).length
    expect(both / many.length).toBeCloseTo(0.04, 2)
    const elsewhere = many.filter(
      (id) => isIn({ id: 'a', percent: 20 }, id) && isHoldoutMember('other', { id: 'a', percent: 20 }, id),
    )
    expect(elsewhere.length / many.length).toBeCloseTo(0.04, 2)
  })

  test('is kept when the share grows', () => {
    const small = ids.filter((id) => isIn({ id: 'a', percent: 5 }, id))
    expect(small.length).toBeGreaterThan(5)
    for (const id of small) expect(isIn({ id: 'a', percent: 10 }, id)).toBe(true)
  })
})

describe('a universal holdout', async () => {
  const pack = await loadBank({ holdouts: [universal] })

  test('sends no marketing to its members and all of it to the others', () => {
    const bank = createBank(pack)
    let sent = 0
    for (const id of ids) {
      const decision = repay(bank, id)
      expect(decision?.outcome).toBe(isIn(universal, id) ? 'none' : 'offered')
      if (decision?.outcome === 'offered') sent++
      expect(bank.states.contactCount(bank.slot(id))).toBe(isIn(universal, id) ? 0 : 1)
    }
    expect(sent).toBeGreaterThan(250)
    expect(sent).toBeLessThan(380)
  })

  test('is told in the record: which holdout, and what the member would have got', () => {
    const bank = createBank(pack)
    const member = ids.find((id) => isIn(universal, id)) ?? ''
    const other = ids.find((id) => !isIn(universal, id)) ?? ''
    const held = repay(bank, member)
    expect(held).toMatchObject({
      outcome: 'none',
      reason: 'held_out',
      holdouts: [{ holdout: 'universal', offer: 'repayment-thanks', group: 'held_out' }],
    })
    expect(fateOf(held, 'repayment-thanks')).toBe('holdout/holdout/universal')
    expect(held?.fates[0]?.score).toBe(2)
    expect(repay(bank, other)).toMatchObject({
      outcome: 'offered',
      holdouts: [{ holdout: 'universal', offer: 'repayment-thanks', group: 'treated' }],
    })
  })

  test('never holds service messages back', () => {
    const bank = createBank(pack)
    for (const id of ids.filter((one) => isIn(universal, one)).slice(0, 20)) {
      settle(bank, id, day0)
      const [decision] = bank.send(id, 'life_event.reported', { kind: 'unemployment' }, { at }).decisions
      expect(decision?.offers.map(({ offer }) => offer)).toEqual(['hardship-help'])
    }
  })

  test('leaves the app open unless it says closed', async () => {
    const member = ids.find((id) => isIn(universal, id)) ?? ''
    const open = createBank(pack)
    settle(open, member, day0)
    expect(open.ask(member, 'home-banner', { at }).decision).toMatchObject({ outcome: 'offered', holdouts: [] })

    const closed = createBank(await loadBank({ holdouts: [closedApp] }))
    const other = ids.find((id) => isIn(closedApp, id)) ?? ''
    settle(closed, other, day0)
    const { decision } = closed.ask(other, 'home-banner', { at, count: 2 })
    expect(decision).toMatchObject({ outcome: 'fallback', reason: 'held_out' })
    const best = ['beauty-loan', 'consumer-loan']
    expect(decision.holdouts).toEqual(best.map((offer) => ({ holdout: 'app-too', offer, group: 'held_out' })))
  })

  test('counts nobody who would not have got the offer anyway', () => {
    const bank = createBank(pack)
    const member = ids.find((id) => isIn(universal, id)) ?? ''
    bank.send(member, 'consent.updated', { granted: false }, { at: day0 })
    const [decision] = bank.send(member, 'repayment.made', { amount: 500_000 }, { at }).decisions
    expect(fateOf(decision, 'repayment-thanks')).toBe('guardrail/no_consent/sms-needs-consent')
    expect(decision?.holdouts).toEqual([])
  })
})

describe('several holdouts', async () => {
  const pack = await loadBank({
    holdouts: [universal, campaign],
    triggers: [
      { id: 'all-of-it', on: 'repayment.made', offers: ['family-bundle', 'repayment-thanks'], placement: 'sms-out' },
    ],
  })
  const of = (inUniversal: boolean, inCampaign: boolean): string =>
    ids.find((id) => isIn(universal, id) === inUniversal && isIn(campaign, id) === inCampaign) ?? ''

  test('count a customer for the one that alone stands between them and the offer', () => {
    const bank = createBank(pack)
    const bundle = 'family-bundle'
    expect(repay(bank, of(false, false))?.holdouts).toEqual([
      { holdout: 'universal', offer: bundle, group: 'treated' },
      { holdout: 'bundle-test', offer: bundle, group: 'treated' },
    ])
    expect(repay(bank, of(false, true))).toMatchObject({
      offers: [{ offer: 'repayment-thanks' }],
      holdouts: [
        { holdout: 'universal', offer: 'repayment-thanks', group: 'treated' },
        { holdout: 'bundle-test', offer: bundle, group: 'held_out' },
      ],
    })
    expect(repay(bank, of(true, false))?.holdouts).toEqual([{ holdout: 'universal', offer: bundle, group: 'held_out' }])
    // Without the universal holdout alone the bundle would still be held back: the second best is what they would have got.
    expect(repay(bank, of(true, true))?.holdouts).toEqual([
      { holdout: 'universal', offer: 'repayment-thanks', group: 'held_out' },
    ])
  })

  test('name the first one of the pack in the fate', () => {
    const bank = createBank(pack)
    expect(fateOf(repay(bank, of(true, true)), 'family-bundle')).toBe('holdout/holdout/universal')
    expect(fateOf(repay(bank, of(false, true)), 'family-bundle')).toBe('holdout/holdout/bundle-test')
  })
})

test('what a member would have got does not count against the caps of what they get', async () => {
  const pack = await loadBank({
    holdouts: [{ id: 'loans', percent: 50, applies: { categories: all(), offers: ['inbox-loan'] }, inbound: 'closed' }],
    caps: [
      {
        id: 'one',
        limit: 1,
        per: '7d',
        applies: { categories: 'all', channels: ['inbox'] },
        text: { en: 'One', zh: '一次' },
      },
    ],
  })
  const bank = createBank(pack)
  const member = ids.find((id) => isIn({ id: 'loans', percent: 50 }, id)) ?? ''
  settle(bank, member, day0)
  const { decision, reserves } = bank.ask(member, 'inbox', { at })
  expect(reserves).toBe(true)
  expect(decision).toMatchObject({
    offers: [{ offer: 'inbox-tip' }],
    holdouts: [{ holdout: 'loans', offer: 'inbox-loan', group: 'held_out' }],
  })
  expect(bank.states.contactCount(bank.slot(member))).toBe(1)
})

test('the shipped pieces hold nobody out', () => {
  expect(pieces.holdouts).toEqual([])
})
