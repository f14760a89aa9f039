/** Scenario files as their authors write them: what becomes of a sound one, and what the others are told, with the line. */
import { expect, test } from 'vitest'
import { messagesOf, problemsOf, scenarioOf, scenariosOf, story } from './retail-names.ts'

const startAt = Date.parse('2026-03-02T02:00:00Z')
const dayMs = 86_400_000
const end = 'expect: nothing'

test('steps follow each other on a clock that only the file moves', () => {
  const { steps } = scenarioOf(
    story(
      '{ event: account.opened }',
      '{ event: account.opened, after: 1d, times: 3, every: 1h }',
      '{ wait: 30m }',
      '{ request: app_offers, at: 2d + 1ms }',
      '{ event: account.opened, at: 2026-03-05T10:00 }',
      end,
    ),
  )
  const hourMs = dayMs / 24
  expect(steps.map((step) => step.inputs.map((input) => input.at - startAt))).toEqual([
    [0],
    [dayMs, dayMs + hourMs, dayMs + 2 * hourMs],
    [],
    [2 * dayMs + 1],
    [3 * dayMs],
  ])
  expect(steps.map((step) => step.until - startAt)).toEqual([
    ...[0, dayMs + 2 * hourMs, dayMs + 2.5 * hourMs, 2 * dayMs + 1, 3 * dayMs],
  ])
})

test('what is ordinary may be left out of an event, what means something not', () => {
  const { steps } = scenarioOf(
    story('{ event: card.purchase, data: { merchantCategory: beauty } }', '{ event: customer.erased }', end),
  )
  const [purchase, erased] = steps.flatMap((step) => step.inputs)
  expect(purchase).toMatchObject({
    event: {
      source: 'core-banking',
      customerId: 'C1',
      time: startAt,
      data: {
        amount: 10_000,
        currency: 'CNY',
        merchantCategory: 'beauty',
        merchantId: null,
        channel: 'pos',
        country: 'ZZ',
      },
    },
  })
  expect(erased).toMatchObject({ event: { data: { ground: null } } })
  expect(problemsOf(story('{ event: card.purchase }', end))).toEqual(['4 key_missing'])
  expect(messagesOf(story('{ event: transfer.made, data: { amount: "1.00", kind: rent } }', end))).toEqual([
    'step 1: "data.direction" is missing: it must be one of in out.',
  ])
})

test('an event may be late, ahead of its time, of another customer, from another source, under its own id', () => {
  const { steps } = scenarioOf(
    story(
      '{ event: account.opened, late: 2h, customer: C2, source: crm, id: o-1 }',
      '{ event: account.opened, ahead: 1h }',
      '{ event: account.opened }',
      end,
    ),
  )
  const events = steps.flatMap((step) => step.inputs.flatMap((input) => (input.kind === 'event' ? [input.event] : [])))
  expect(events.map(({ id, source, customerId, time }) => [id, source, customerId, time - startAt])).toEqual([
    ['o-1', 'crm', 'C2', -7_200_000],
    ['event-2', 'core-banking', 'C1', 3_600_000],
    ['event-3', 'core-banking', 'C1', 0],
  ])
})

test('what is known of the customer is told first, as events', () => {
  const text = story(end).replace(
    'steps:',
    'customer: { id: C7, profile: { totalAssets: "5.00" }, consents: [sms] }\nsteps:',
  )
  const { steps } = scenarioOf(text)
  expect(
    steps.map(({ number, label, customerId, expectations }) => [number, label, customerId, expectations.length]),
  ).toEqual([
    [0, 'profile.updated', 'C7', 0],
    [0, 'consent.updated', 'C7', 1],
  ])
  expect(steps[0]?.inputs).toMatchObject([{ event: { data: { totalAssets: 500, currency: 'CNY', riskGrade: null } } }])
  expect(steps[1]?.inputs).toMatchObject([{ event: { data: { channel: 'sms', granted: true, purpose: 'marketing' } } }])
})

test('a table makes one scenario for each combination, with everything filled in', () => {
  const scenarios = scenariosOf(
    [
      'name: a table',
      'start: 2026-03-02T10:00+08:00',
      'for each:',
      '  who:',
      '    - { name: first, data: { amount: "1.00" }, times: 2, then: { not offered: { <what>: student } } }',
      '    - { name: second, data: { amount: "2.00" }, times: 3, then: { offered: [<what>] } }',
      '  what: [study_loan, fx_wallet]',
      'steps:',
      '  - { event: repayment.made, data: <who.data>, times: <who.times>, after: <who.times>d }',
      '  - expect: <who.then>',
      '',
    ].join('\n'),
  )
  expect(scenarios.map(({ name }) => name)).toEqual([
    'a table [first, study_loan]',
    'a table [first, fx_wallet]',
    'a table [second, study_loan]',
    'a table [second, fx_wallet]',
  ])
  expect(scenarios.map(({ steps }) => [steps[0]?.inputs.length, (steps[0]?.until ?? 0) - startAt])).toEqual([
    ...[
      [2, 2 * dayMs],
      [2, 2 * dayMs],
      [3, 3 * dayMs],
      [3, 3 * dayMs],
    ],
  ])
  expect(scenarios[1]?.steps[0]?.expectations[0]?.checks).toMatchObject([
    { kind: 'not offered', offer: 'fx_wallet', reason: 'student', rule: null },
  ])
  expect(scenarios[3]?.steps[0]?.expectations[0]?.checks).toMatchObject([{ kind: 'offered', offers: ['fx_wallet'] }])
})

test('values of features are read in their units', () => {
  const features =
    '{ card_spend_30d: "12.34", fx_views_24h: 3, profile.riskGrade: steady, since_last_purchase: 2d, profile.smsConsent: true, latest_nps: unknown }'
  const { steps } = scenarioOf(story(`expect: { features: ${features} }`))
  const checks = steps[0]?.expectations[0]?.checks ?? []
  expect(checks.map((check) => (check.kind === 'feature' ? [check.name, check.value] : null))).toEqual([
    ['card_spend_30d', 1_234],
    ['fx_views_24h', 3],
    ['profile.riskGrade', 1],
    ['since_last_purchase', 2 * dayMs],
    ['profile.smsConsent', 1],
    ['latest_nps', null],
  ])
})

test.each([
  ['no step', ['{ tell: nothing }', end], ['4 value_invalid']],
  ['two steps in one', ['{ event: account.opened, wait: 1d }', end], ['4 value_invalid']],
  ['no map', ['account.opened', end], ['4 value_invalid']],
  ['a key too many', [end, '{ event: account.opened, dta: {} }', end], ['5 key_unknown']],
  ['an event type nobody has', ['{ event: account.closed }', end], ['4 event_unknown']],
  ['a field the type has not', ['{ event: account.opened, data: { branch: x } }', end], ['4 field_unknown']],
  ['a value off the list', ['{ event: account.opened, data: { channel: letter } }', end], ['4 value_invalid']],
  ['an amount without quotes', ['{ event: repayment.made, data: { amount: 5000 } }', end], ['4 value_invalid']],
  ['an amount below zero', ['{ event: repayment.made, data: { amount: "-1.00" } }', end], ['4 value_invalid']],
  ['a source with blanks', ['{ event: account.opened, source: a b }', end], ['4 value_invalid']],
  ['a time of another kind', ['{ event: account.opened, after: 2 weeks }', end], ['4 duration_invalid']],
  ['a time below zero', ['{ wait: 1h - 1d }', end], ['4 time_backwards']],
  ['a step before the one above', ['{ wait: 2d }', '{ request: app_offers, at: 1d }', end], ['5 time_backwards']],
  ['a day that does not exist', ['{ request: app_offers, at: 2026-04-31 }', end], ['4 value_invalid']],
  ['two times for one step', ['{ request: app_offers, at: 1d, after: 1d }', end], ['4 value_invalid']],
  ['late and ahead', ['{ event: account.opened, late: 1d, ahead: 1d }', end], ['4 value_invalid']],
  ['an id that is repeated', ['{ event: account.opened, id: a, times: 2 }', end], ['4 value_invalid']],
  ['too many repeats', ['{ event: account.opened, times: 1001 }', end], ['4 value_invalid']],
  ['a placement nobody has', ['{ request: lobby }', end], ['4 placement_unknown']],
  ['a placement that cannot be asked', ['{ request: sms_message }', end], ['4 placement_unknown']],
  ['an expected placement nobody has', ['{ expect: { placement: lobby, offered: [] } }'], ['4 placement_unknown']],
  ['an offer nobody has', ['{ expect: { offered: [fx_wallet, fx_walet] } }'], ['4 offer_unknown']],
  ['a safe offer nobody has', ['{ expect: { fallback: tips } }'], ['4 offer_unknown']],
  ['a reason that is none', ['{ expect: { not offered: { fx_wallet: dislike } } }'], ['4 value_invalid']],
  [
    'a rule nobody has',
    ['{ expect: { not offered: { fx_wallet: { reason: student, rule: x } } } }'],
    ['4 rule_unknown'],
  ],
  ['an outcome that is none', ['{ expect: { outcome: maybe } }'], ['4 value_invalid']],
  ['a feature nobody has', ['{ expect: { features: { riskGrade: steady } } }'], ['4 feature_unknown']],
  ['a feature in the wrong unit', ['{ expect: { features: { card_spend_30d: 12 } } }'], ['4 value_invalid']],
  ['nothing that is expected', ['{ request: app_offers }', '{ expect: {} }'], ['5 key_missing']],
  ['an expectation of only a placement', ['{ expect: { placement: push_message } }'], ['4 key_missing']],
  ['a word that is not nothing', ['{ expect: silence }'], ['4 value_invalid']],
  [
    'a request that is refused',
    ['{ request: app_offers }', '{ expect: { refused: duplicate } }'],
    ['5 expectation_misplaced'],
  ],
  ['an end without expectation', [end, '{ event: account.opened }'], ['5 expectation_misplaced']],
])('a story with %s is refused', (_what, steps, problems) => {
  expect(problemsOf(story(...steps))).toEqual(problems)
})

test.each([
  ['that is no YAML', 'name: [', ['1 yaml_invalid']],
  ['that is a list', '- name: x\n', ['1 value_invalid']],
  ['without a start', story(end).replace(/start: .*\n/, ''), ['1 key_missing']],
  ['that starts on no day', story(end).replace('2026-03-02', '2026-13-02'), ['2 value_invalid']],
  ['with a misspelt key', story(end).replace('start:', 'abuot: x\nstart:'), ['2 key_unknown']],
  [
    'with a wrong profile',
    story(end).replace('steps:', 'customer:\n  profile:\n    age: 7\nsteps:'),
    ['5 field_unknown'],
  ],
  ['with too many steps', story(...Array.from({ length: 201 }, () => end)), ['3 value_invalid']],
])('a file %s is refused', (_what, text, problems) => {
  expect(problemsOf(text)).toEqual(expect.arrayContaining(problems))
})

const table = (values: string, ...steps: readonly string[]) =>
  story(...steps).replace('steps:', `for each:\n  case: ${values}\nsteps:`)

test.each([
  [
    'a name nobody gave',
    table('[a]', '{ request: app_offers, id: <case> }', '{ expect: { offered: <cas> } }'),
    ['7 placeholder_unknown'],
  ],
  [
    'a part that one case lacks',
    table('[{ name: a, n: 1 }, { name: b }]', '{ request: app_offers, count: <case.n> }', end),
    ['6 placeholder_unknown'],
  ],
  ['a value that stands for itself', table('["<case>"]', '{ request: <case> }', end), ['6 placeholder_unknown']],
  [
    'a map within a text',
    table('[{ name: a }]', '{ request: app_offers, id: x-<case> }', end),
    ['6 placeholder_unknown'],
  ],
  [
    'the same offer twice',
    table('[fx_wallet]', '{ expect: { not offered: { fx_wallet: student, <case>: student } } }'),
    ['6 placeholder_unknown'],
  ],
  ['a name that is used nowhere', table('[a, b]', '{ request: app_offers }', end), ['4 reference_dead']],
  ['a map without a name', table('[{ n: 1 }]', '{ request: app_offers, count: <case.n> }', end), ['4 value_invalid']],
  ['no values', table('[]', end), ['4 value_invalid']],
])('a table with %s is refused', (_what, text, problems) => {
  expect(problemsOf(text)).toEqual(problems)
})

test('a table with more combinations than allowed is refused', () => {
  const values = Array.from({ length: 200 }, (_, i) => `v${i}`).join(', ')
  const text = story('{ request: app_offers, id: <a>-<b>-<c> }', end).replace(
    'steps:',
    `for each:\n  a: [${values}]\n  b: [x, y]\n  c: [x, y]\nsteps:`,
  )
  expect(problemsOf(text)).toEqual(['3 scenario_too_large'])
})

test('a table cannot multiply a file without end', () => {
  const cells = (of: string) => `[${Array.from({ length: 60 }, () => of).join(', ')}]`
  const text = story('{ event: account.opened, data: { a: <a.x> } }', end).replace(
    'steps:',
    `for each:\n  a: [{ name: n, x: ${cells('<a.y>')}, y: ${cells('<a.z>')}, z: ${cells('<a.w>')}, w: 1 }]\nsteps:`,
  )
  expect(new Set(problemsOf(text))).toEqual(new Set(['6 placeholder_unknown']))
})

test('a file with more events than allowed is refused', () => {
  const many = Array.from({ length: 21 }, () => '{ event: account.opened, times: 1000 }')
  expect(problemsOf(story(...many, end))).toEqual(['3 scenario_too_large'])
})

test('a mistake in each of several steps is told together, once for all cases', () => {
  const text = table('[a, b]', '{ event: x, id: <case> }', '{ request: y }', end)
  expect(new Set(problemsOf(text))).toEqual(new Set(['6 event_unknown', '7 placement_unknown']))
})

test('a price is one of its offer, and an amount only when it is a fee', () => {
  const expecting = (prices: string) => messagesOf(story('{ request: adviser_desk }', `expect: { prices: ${prices} }`))
  expect(expecting('{ wealth_r1_deposit.yearly_rate: 0.0185, family_bundle.instalment_fee: "0.00" }')).toEqual([])
  expect(expecting('{ wealth_r1_deposit.yearly: 0.0185 }')).toEqual([
    expect.stringContaining('"wealth_r1_deposit" has no price "yearly": it must be one of yearly_rate'),
  ])
  expect(expecting('{ wealth_r1_deposit.yearly_rate: "0.02" }')).toEqual([
    expect.stringContaining('The price "yearly_rate" is a rate: write a number.'),
  ])
  expect(expecting('{ family_bundle.instalment_fee: 0 }')).toEqual([
    expect.stringContaining('The price "instalment_fee" is a fee: write an amount in quotes'),
  ])
  expect(expecting('{ wealth_r9_moon.rate: 0.5 }')).toEqual([
    expect.stringContaining('The pack has no offer "wealth_r9_moon"'),
  ])
})
