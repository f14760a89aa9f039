/**
 * The proof finds what leaks. The pack that ships is proven; every mistake that could be made in the gate, in what was
 * compiled or in the pack itself is seen, with a customer who shows it.
 */
import { expect, test } from 'vitest'
import { certificateName, hashOfCertificate } from '../../../engine/proof/certificate.ts'
import { certify } from '../../../engine/proof/certify.ts'
import { proofLimits, proveGate } from '../../../engine/proof/prove-gate.ts'
import type { FunnelTables } from '../../../engine/step/funnel/tables.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { CompiledPack } from '../../../rules/compiled.ts'
import { loadPack } from '../../../rules/load-pack.ts'
import { type BankPieces, bank, loadBank } from '../step/bank-pack.ts'
import { noGate, tamperedGate, unknownIsFalse, withGuardrail } from './tampered.ts'

const result = await loadPack('rules/packs/retail-bank')
if (result.kind !== 'ok') throw new Error('the pack that ships loads')
const retailBank = compilePack(result.pack)
const cornerBank = compilePack(await loadBank())

const bankWith = async (pieces: BankPieces): Promise<CompiledPack> => compilePack(await loadBank(pieces))
const verdictOf = (pack: CompiledPack, tables?: FunnelTables) => proveGate(pack, proofLimits, tables).verdict

test('the pack that ships is proven, completely, and everything in it can leave for somebody', () => {
  const proof = proveGate(retailBank)
  expect([proof.verdict, proof.gaps, proof.counterexamples]).toEqual(['proven', [], []])
  expect(proof.cases).toBeGreaterThan(5_000)
  expect(proof.forbidden).toBeGreaterThan(2_000)
  for (const { target, open, forbidden } of proof.targets) {
    expect([target.offers[0].id, target.placement.id, open > 0, forbidden > 0]).toEqual([
      target.offers[0].id,
      target.placement.id,
      true,
      true,
    ])
  }
})

test('every offer is looked at on every placement of its channels', () => {
  const looked = new Set(
    proveGate(retailBank).targets.flatMap(({ target }) =>
      target.offers.map(({ id }) => `${id} ${target.placement.id}`),
    ),
  )
  for (const offer of retailBank.offers) {
    for (const placement of retailBank.placements) {
      expect(looked.has(`${offer.id} ${placement.id}`)).toBe(offer.model.channels.includes(placement.channel))
    }
  }
})

test('a gate that forgets any one guardrail is refuted, and the guardrail is named', () => {
  for (const pack of [cornerBank, retailBank]) {
    for (const { id, index } of pack.guardrails) {
      const forgetful = tamperedGate(pack, (rules) => ({
        ...rules,
        guardrails: rules.guardrails.filter((guardrail) => guardrail !== index),
      }))
      const proof = proveGate(pack, proofLimits, forgetful)
      // That a source may not be used the gate knows without a guardrail.
      if (id === 'no-offer-from-unlawful-data' || id === 'lawful-data-only') continue
      expect([id, proof.verdict]).toEqual([id, 'refuted'])
      const named = proof.counterexamples.some(
        ({ premise }) => premise.kind === 'guardrail' && premise.guardrail.model.id === id,
      )
      expect([id, named]).toEqual([id, true])
    }
  }
})

test('a gate that asks nothing is refuted for all it is asked about', () => {
  expect(verdictOf(cornerBank, noGate(cornerBank))).toBe('refuted')
})

test('a gate that reads too little is refuted: what it does not read is as it was for the customer before', () => {
  const blind = tamperedGate(retailBank, (rules) => ({ ...rules, reads: rules.reads.slice(1) }))
  expect(verdictOf(retailBank, blind)).toBe('refuted')
})

test('a compiled guardrail for which unknown is false is refuted', () => {
  for (const { id, condition } of retailBank.guardrails) {
    if (condition === null || id === 'no-offer-from-unlawful-data') continue
    const wrong = withGuardrail(retailBank, id, (one) => ({ ...one, condition: unknownIsFalse(one.condition) }))
    expect([id, verdictOf(wrong)]).toEqual([id, 'refuted'])
  }
})

test('a compiled guardrail whose suppression is not looked at is refuted', () => {
  for (const { id, hasSuppression } of retailBank.guardrails) {
    if (!hasSuppression) continue
    const wrong = withGuardrail(retailBank, id, (one) => ({ ...one, hasSuppression: false }))
    expect([id, verdictOf(wrong)]).toEqual([id, 'refuted'])
  }
})

test('a compiled guardrail that a role could open although the pack says never is refuted', () => {
  const foreign = [...retailBank.overridable.values()][0]?.override ?? null
  for (const { id, override } of retailBank.guardrails) {
    if (override !== null || id === 'no-offer-from-unlawful-data') continue
    const wrong = withGuardrail(retailBank, id, (one) => ({ ...one, override: foreign }))
    expect([id, verdictOf(wrong)]).toEqual([id, 'refuted'])
  }
})

test('an override that opens more than its own guardrail is refuted', () => {
  const [first, second] = [...retailBank.overridable.values()]
  const wrong = withGuardrail(retailBank, first?.id ?? '', (one) => ({ ...one, override: second?.override ?? null }))
  expect(verdictOf(wrong)).toBe('refuted')
})

test('an allow for which unknown is true is refuted', () => {
  const wrong = {
    ...retailBank,
    allows: retailBank.allows.map((allow) => ({
      ...allow,
      condition: allow.condition === null ? null : { ...allow.condition, must: allow.condition.may },
    })),
  }
  expect(verdictOf(wrong)).toBe('refuted')
})

test('a table of risk grades that is one too generous is refuted', () => {
  const wrong = {
    ...retailBank,
    gradeAllowed: (lo: Float64Array, hi: Float64Array) => retailBank.gradeAllowed(lo, hi) + 1,
  }
  expect(verdictOf(wrong)).toBe('refuted')
})

const students = bank.guardrails.find(({ id }) => id === 'no-lifestyle-credit-for-students')
const halves = [
  ...bank.guardrails.filter((guardrail) => guardrail !== students),
  { ...students, when: 'profile.student' },
  {
    ...students,
    id: 'no-gaming-for-students',
    closes: { categories: ['gaming_credit'] },
    when: 'profile.employment == "student"',
  },
]

test('a red line that one half of a reason does not hold is refuted, with the customer in words', async () => {
  const { certificate, counterexamples } = certify(await bankWith({ guardrails: halves }))
  expect(certificate.verdict).toBe('refuted')
  const beauty = counterexamples.find((words) => words.startsWith('beauty-loan'))
  expect(beauty).toContain('on home-banner (app)')
  expect(beauty).toContain('Customer: profile.employment student; profile.student no.')
  expect(beauty).toContain('the category is guarded by student, which holds, or may, by no-gaming-for-students')
  expect(beauty).toContain(
    'Not stopped by no-credit-without-income, quiet-in-mourning, lawful-data-only, no-lifestyle-credit-for-students.',
  )
})

test('a reason that an event gives to some categories only is no reason for the others', async () => {
  const moved = {
    id: 'no-gaming-after-moving',
    reason: 'unemployment',
    text: { en: 'A move often follows the loss of a job.', zh: '搬迁常随失业而来。' },
    closes: { categories: ['gaming_credit'] },
    suppression: { event: 'life_event.reported', where: 'event.kind == "relocation"', for: '30d' },
  }
  const { counterexamples } = certify(await bankWith({ guardrails: [...bank.guardrails, moved] }))
  expect(counterexamples[0]).toContain('suppression running: no-gaming-after-moving')
  const own = { ...moved, reason: 'bank_policy' }
  expect(verdictOf(await bankWith({ guardrails: [...bank.guardrails, own] }))).toBe('proven')
})

test('a guardrail that a role may open is proven with the role in the certificate, and stays closed without it', async () => {
  const guardrails = bank.guardrails.map((guardrail) =>
    guardrail.id === 'no-lifestyle-credit-for-students'
      ? { ...guardrail, override: { role: 'compliance', atMost: '30d' } }
      : guardrail,
  )
  const { certificate } = certify(await bankWith({ guardrails }))
  expect(certificate.verdict).toBe('proven')
  const beauty = certificate.redLines.find(({ category }) => category === 'beauty_credit')
  expect(beauty?.guardedBy.find(({ reason }) => reason === 'student')).toEqual({
    reason: 'student',
    guardrails: ['no-lifestyle-credit-for-students'],
    openedBy: ['compliance'],
  })
})

test('an allow that opens one guardrail of a red line, beside another that does not hold, is refuted', async () => {
  const role = { role: 'compliance', atMost: '30d' }
  const text = { en: 'Old students may play.', zh: '测试。' }
  const when = 'profile.assets > money("1.00")'
  const rest = bank.guardrails.filter(({ id }) => id !== 'no-lifestyle-credit-for-students')
  const closes = { categories: ['consumer_credit', 'beauty_credit', 'gaming_credit', 'travel_credit'] }
  const student = { id: 'no-credit-for-students', reason: 'student', text, closes, when: 'profile.student' }
  const byWork = {
    ...student,
    id: 'no-credit-for-who-studies',
    when: 'profile.employment == "student"',
    override: role,
  }
  const guardrails = [...rest, student, byWork]
  expect(verdictOf(await bankWith({ guardrails }))).toBe('proven')
  const allows = [{ id: 'rich-students', text, opens: { categories: ['gaming_credit'] }, when }]
  const { counterexamples } = certify(await bankWith({ guardrails, allows }))
  expect(counterexamples[0]).toContain('gaming-loan')
  expect(counterexamples[0]).toContain('the category is guarded by that reason: no allow opens it')
  const outside = [{ id: 'rich-students', text, opens: { categories: ['study_credit'] }, when }]
  const wider = { ...byWork, closes: { categories: [...closes.categories, 'study_credit'] } }
  expect(verdictOf(await bankWith({ guardrails: [...rest, student, wider], allows: outside }))).toBe('proven')
})

test('more cases than are looked at is a refusal that says what to do', () => {
  const { certificate } = certify(retailBank, { premiseCasesMax: 20, casesMax: 1_000_000 })
  expect([certificate.verdict, certificate.complete]).toEqual(['too_large', false])
  expect(certificate.gaps.join('\n')).toMatch(/cases of .*profile\.employmentStatus.*at most 20 are looked at\. Split/)
  expect(certify(retailBank, { premiseCasesMax: 200_000, casesMax: 100 }).certificate.gaps.join()).toContain(
    'more than 100 cases in all',
  )
})

test('a number that is compared with another number is tried at its constants, and the certificate says so', async () => {
  const debt = {
    id: 'no-more-than-they-have',
    reason: 'overdue_debt',
    text: { en: 'Nothing for who spends more than they have.', zh: '测试。' },
    closes: { categories: ['beauty_credit'] },
    when: 'spend_7d + money("1.00") > profile.assets',
  }
  const { certificate } = certify(await bankWith({ guardrails: [...bank.guardrails, debt] }))
  expect([certificate.verdict, certificate.complete]).toEqual(['proven', false])
  expect(certificate.gaps.map((gap) => gap.split(' ')[0])).toEqual(['profile.assets', 'spend_7d'])
})

test('a guardrail that is never open hides what is behind it, and the certificate says so', async () => {
  const always = {
    id: 'nothing-for-anybody',
    reason: 'bank_policy',
    text: { en: 'Nothing.', zh: '测试。' },
    closes: { categories: ['loyalty'] },
    when: 'profile.student || !profile.student',
  }
  const loaded = await loadBank()
  const model = {
    ...loaded.model,
    guardrails: [
      ...loaded.model.guardrails,
      {
        ...always,
        closes: { ...loaded.model.guardrails[0]!.closes, categories: ['loyalty'] },
        reason: 'bank_policy' as const,
        suppression: null,
        override: 'never' as const,
        place: { file: '', line: 1 },
      },
    ],
  }
  const { certificate } = certify(compilePack({ model, hash: loaded.hash }))
  expect(certificate.gaps.join()).toContain('nothing-for-anybody: no customer was found for whom it is open')
})

test('the certificate of a pack is the same each time, and its hash is over all it says', () => {
  const { certificate } = certify(retailBank)
  expect(certify(retailBank).certificate).toEqual(certificate)
  expect(hashOfCertificate(certificate)).toBe(certificate.hash)
  expect(hashOfCertificate({ ...certificate, cases: certificate.cases + 1 })).not.toBe(certificate.hash)
  expect(certificateName(certificate.pack.hash)).toMatch(/^[0-9a-f]{64}-gate-1$/)
})
