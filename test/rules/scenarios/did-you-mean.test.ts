/** A mistake in a scenario names what is allowed, and the word that was probably meant. */
import { expect, test } from 'vitest'
import { messagesOf, story } from './retail-names.ts'

const event = '{ event: repayment.made, data: { amount: "5000.00" } }'
const expecting = (words: string): string => story(event, `expect: ${words}`)

test.each<readonly [string, string, string]>([
  [
    'a step',
    story('{ evnt: repayment.made }', 'expect: nothing'),
    'A step is one of event, request, wait, expect. This is none. Did you mean "event"?',
  ],
  [
    'a key of a step',
    story('{ event: repayment.made, date: { amount: "1.00" } }', 'expect: nothing'),
    'There is no "date" here: it must be one of event, data, source, consent, after, at, times, every, customer, late, ahead, id; did you mean "data"?',
  ],
  ['a key of a request', story('{ request: app_offers, cuont: 2 }', 'expect: nothing'), 'did you mean "count"?'],
  [
    'a key of the file',
    `custmer: { id: C1 }\n${story('expect: nothing')}`,
    'There is no "custmer" here: it must be one of name, about, start, complete since, gateway, stock, customer, steps, for each; did you mean "customer"?',
  ],
  [
    'an event type',
    story('{ event: repayment.mad }', 'expect: nothing'),
    'There is no event type "repayment.mad": it must be one of ',
  ],
  ['an event type', story('{ event: repayment.mad }', 'expect: nothing'), 'did you mean "repayment.made"?'],
  [
    'a field',
    story('{ event: repayment.made, data: { amonut: "1.00" } }', 'expect: nothing'),
    'Did you mean "amount"?',
  ],
  [
    'a value of a field',
    story('{ event: life_event.reported, data: { kind: unemploymnt } }', 'expect: nothing'),
    'Did you mean "unemployment"?',
  ],
  [
    'a placement',
    story('{ request: app_ofers }', 'expect: nothing'),
    'No app can ask for "app_ofers": it must be one of app_home_banner, app_offers, adviser_desk; did you mean "app_offers"?',
  ],
  ['an expectation', expecting('nothin'), 'Did you mean "nothing"?'],
  ['a key of an expectation', expecting('{ ofered: repayment_thanks }'), 'did you mean "offered"?'],
  ['an offer', expecting('{ offered: repayment_thank }'), 'did you mean "repayment_thanks"?'],
  ['a reason', expecting('{ not offered: { fx_wallet: cap_reachd } }'), 'Did you mean "cap_reached"?'],
  [
    'a reason within a map',
    expecting('{ not offered: { fx_wallet: { reason: cap_reachd } } }'),
    'Did you mean "cap_reached"?',
  ],
  [
    'a key of a reason',
    expecting('{ not offered: { fx_wallet: { reson: student } } }'),
    'There is no "reson" here: it must be one of reason, rule, stage; did you mean "reason"?',
  ],
  ['a stage', expecting('{ not offered: { fx_wallet: { stage: gardrail } } }'), 'Did you mean "guardrail"?'],
  [
    'a rule',
    expecting('{ not offered: { fx_wallet: { reason: cap_reached, rule: fx-offer-weak } } }'),
    'did you mean "fx-offer-week"?',
  ],
  ['a feature', expecting('{ features: { fx_view_24h: 1 } }'), 'Did you mean "fx_views_24h"?'],
  ['a value of an attribute', expecting('{ features: { profile.riskGrade: stedy } }'), 'Did you mean "steady"?'],
  ['an outcome', expecting('{ outcome: offred }'), 'Did you mean "offered"?'],
  ['a refusal', expecting('{ refused: to_late }'), 'Did you mean "too_late"?'],
  ['what a gateway is answered', expecting('{ not permitted: { fx_wallet: recaled } }'), 'Did you mean "recalled"?'],
  [
    'a resource',
    `stock: { child-health-cheks: 1 }\n${story('expect: nothing')}`,
    'did you mean "child-health-checks"?',
  ],
])('%s', (_what, text, hint) => {
  expect(messagesOf(text).join('\n')).toContain(hint)
})

test('what is near nothing gets no hint', () => {
  const [message = ''] = messagesOf(expecting('{ offered: umbrella }'))
  expect(message).toContain('The pack has no offer "umbrella": it must be one of ')
  expect(message).not.toContain('did you mean')
})

test('a reason that says nothing is refused', () => {
  expect(messagesOf(expecting('{ not offered: { fx_wallet: {} } }'))[0]).toContain(
    'must say a reason, a rule or a stage',
  )
})
