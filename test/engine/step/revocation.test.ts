/** Data that may not be used any more opens nothing: its source was revoked, the pack says so, or the customer took it back. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { putInForce } from '../../../engine/step/step-context.ts'
import { formOf } from '../../../rules/pack-form.ts'
import { consentKey, consentName } from '../../../rules/source-table.ts'
import { type Bank, createBank, day0, dayMs } from './bank.ts'
import { loadBank } from './bank-pack.ts'

const wealthy = { totalAssets: 60_000_000, riskGrade: 'balanced' } as const
const at = day0 + 10 * dayMs
const pack = await loadBank({
  sources: [
    { id: 'core-banking', lawfulBasis: 'contract', purposes: ['service', 'marketing'] },
    { id: 'app', lawfulBasis: 'consent', purposes: ['service', 'marketing'] },
    { id: 'desk', lawfulBasis: 'contract', purposes: ['service'] },
    { id: 'partner', lawfulBasis: 'consent', purposes: ['marketing'], authorisation: { id: 'A', until: '2026-01-31' } },
    { id: 'crawler', lawfulBasis: 'none', purposes: [] },
  ],
})

function told(source: string): Bank {
  const bank = createBank(pack)
  bank.send('c', 'profile.updated', wealthy, { at, source })
  return bank
}

function revoke(bank: Bank, ...sources: string[]): void {
  const { context } = bank
  putInForce(context, formOf(context.pack, { quarantined: new Set(), revoked: new Set(sources) }), null)
}

function asked(bank: Bank, when = at + dayMs) {
  const { decision } = bank.ask('c', 'home-banner', { at: when, count: 20 })
  const { reason = '' } = decision.fates.find(({ offer }) => offer === 'wealth-r2') ?? {}
  return {
    decision,
    reason,
    isOffered: reason === 'offered' || reason === 'placement_full' || reason === 'lost_arbitration',
  }
}

describe('a source that the bank revoked', () => {
  test('makes unknown what it brought, and its decisions say that they rested on it', () => {
    const bank = told('app')
    const before = asked(bank)
    expect(before.isOffered).toBe(true)
    const origin = before.decision.origins.find(({ id }) => id === 'app')
    expect(origin).toMatchObject({ kind: 'source', basis: 'consent' })
    expect(origin?.features.map((i) => before.decision.features[i]?.name)).toContain('profile.assets')
    revoke(bank, 'app')
    const after = asked(bank)
    expect(after.reason).toBe('eligibility_unknown')
    expect(after.decision.origins.map(({ id }) => id)).not.toContain('app')
    expect(after.decision.features.find(({ name }) => name === 'profile.assets')?.class).toBe('unknown')
  })

  test('leaves what others said since, and comes back when it is restored', () => {
    const bank = told('app')
    bank.send('c', 'profile.updated', wealthy, { at: at + 1, source: 'core-banking' })
    revoke(bank, 'app')
    expect(asked(bank).isOffered).toBe(true)
    revoke(bank, 'core-banking')
    expect(asked(bank).reason).toBe('eligibility_unknown')
  })

  test('keeps closed what it closed, and opens nothing by what it says then', () => {
    const bank = told('core-banking')
    bank.send('c', 'life_event.reported', { kind: 'bereavement', resolved: false }, { at, source: 'app' })
    revoke(bank, 'app')
    expect(asked(bank).reason).toBe('bereavement')
    revoke(bank, 'core-banking', 'app')
    bank.send('c', 'profile.updated', wealthy, { at: at + 2, source: 'app' })
    expect(asked(bank, at + 40 * dayMs).reason).toBe('eligibility_unknown')
  })
})

describe('a source that the pack stops', () => {
  test.each([
    ['app', { id: 'app', lawfulBasis: 'none', purposes: [] }],
    ['app', null],
  ])('%s makes unknown what it brought before', async (_, instead) => {
    const bank = told('app')
    expect(asked(bank).isOffered).toBe(true)
    const others = pack.model.sources.filter(({ id }) => id !== 'app')
    const rest = others.map(({ id }) => ({ id, lawfulBasis: 'contract', purposes: ['marketing'] }))
    const stricter = createBank(await loadBank({ sources: instead === null ? rest : [...rest, instead] }))
    putInForce(bank.context, stricter.context.pack, null)
    expect(asked(bank).reason).toBe('eligibility_unknown')
  })

  test('whose agreement has ended is unknown from then on', () => {
    const bank = told('partner')
    expect(asked(bank, day0 + 30 * dayMs).isOffered).toBe(true)
    expect(asked(bank, day0 + 31 * dayMs).reason).toBe('eligibility_unknown')
  })
})

describe('a customer who takes data back', () => {
  const consent = (granted: boolean, more: object) => ({ channel: 'all', purpose: 'data_use', granted, ...more })

  test.each([
    ['the consent', { consentId: 'C-1' }],
    ['the source', { dataSource: 'app' }],
  ])('by %s makes it unknown at once, for ever; what comes after it is allowed again counts', (_, by) => {
    const bank = createBank(pack)
    const under = { at, source: 'app', consentId: 'C-1' }
    bank.send('c', 'profile.updated', wealthy, under)
    const before = asked(bank)
    expect(before.isOffered).toBe(true)
    expect(before.decision.origins.map(({ id }) => id)).toContain(consentName(consentKey('C-1')))
    bank.send('c', 'consent.updated', consent(false, by), { at: at + 10_000, source: 'core-banking' })
    expect(asked(bank).reason).toBe('eligibility_unknown')
    bank.send('c', 'profile.updated', wealthy, { ...under, at: at + 20_000 })
    expect(asked(bank).reason).toBe('eligibility_unknown')
    bank.send('c', 'consent.updated', consent(true, by), { at: at + 30_000, source: 'core-banking' })
    expect(asked(bank).reason).toBe('eligibility_unknown')
    bank.send('c', 'profile.updated', wealthy, { ...under, at: at + 40_000 })
    expect(asked(bank).isOffered).toBe(true)
  })

  test('is heard whoever says so, and allowed again only by a lawful source', () => {
    const bank = told('app')
    bank.send('c', 'consent.updated', consent(false, { dataSource: 'app' }), { at: at + 10_000, source: 'crawler' })
    expect(asked(bank).reason).toBe('eligibility_unknown')
    bank.send('c', 'consent.updated', consent(true, { dataSource: 'app' }), { at: at + 20_000, source: 'crawler' })
    bank.send('c', 'profile.updated', wealthy, { at: at + 30_000, source: 'app' })
    expect(asked(bank).reason).toBe('eligibility_unknown')
  })

  test('leaves what came under another consent', () => {
    const bank = createBank(pack)
    bank.send('c', 'profile.updated', wealthy, { at, source: 'app', consentId: 'C-1' })
    bank.send('c', 'consent.updated', consent(false, { consentId: 'C-2' }), { at: at + 10_000, source: 'core-banking' })
    expect(asked(bank).isOffered).toBe(true)
  })
})

describe('purposes', () => {
  test('data for service alone opens no marketing, and still closes', () => {
    const bank = told('desk')
    const { decision, reason } = asked(bank)
    expect(reason).toBe('eligibility_unknown')
    expect(decision.features.find(({ name }) => name === 'profile.assets')?.class).toBe('exact')
    const student = createBank(pack)
    student.send('c', 'profile.updated', { employmentStatus: 'student' }, { at, source: 'desk' })
    const fate = student
      .ask('c', 'home-banner', { at: at + 1, count: 20 })
      .decision.fates.find((f) => f.offer === 'beauty-loan')
    expect(fate).toMatchObject({ stage: 'guardrail', reason: 'student' })
  })
})

const event = fc.record({
  source: fc.constantFrom('core-banking', 'app', 'desk'),
  at: fc.integer({ min: 0, max: 40 }).map((day) => day0 + day * dayMs),
  data: fc.oneof(
    fc.record({ totalAssets: fc.constantFrom(10_000, 60_000_000, 150_000_000) }),
    fc.record({ riskGrade: fc.constantFrom('conservative', 'balanced', 'aggressive') }),
    fc.record({ employmentStatus: fc.constantFrom('student', 'employed') }),
  ),
})

test('whatever came, nothing is open with a revoked source that is closed without its events', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      const fatesOf = (heard: typeof events): ReadonlyMap<string, boolean> => {
        const bank = createBank(pack)
        for (const one of heard) bank.send('c', 'profile.updated', one.data, one)
        revoke(bank, 'app')
        const { fates } = bank.ask('c', 'home-banner', { at: day0 + 45 * dayMs, count: 20 }).decision
        const open = ['offered', 'placement', 'arbitration']
        return new Map(fates.map(({ offer, stage }) => [offer, open.includes(stage)]))
      }
      const without = fatesOf(events.filter(({ source }) => source !== 'app'))
      for (const [offer, isOpen] of fatesOf(events)) if (isOpen) expect(without.get(offer)).toBe(true)
    }),
    { numRuns: 150 },
  )
})
