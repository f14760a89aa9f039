/** Goal: an offer that is out of service is not given again for a request that is repeated, and none of its code is called. */
import { expect, test } from 'vitest'
import { putInForce } from '../../../engine/step/step-context.ts'
import type { Guards } from '../../../rules/cel/guard.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { withQuarantine } from '../../../rules/quarantine.ts'
import { ruleNames } from '../../../rules/rule-names.ts'
import { createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank, bank as pieces } from './bank-pack.ts'

const at = day0 + 10 * dayMs
const value = 'spend_7d >= money("0.00") ? 2.0 : 1.0'
const offers = pieces.offers.map((offer) => (offer.id === 'inbox-tip' ? { ...offer, value } : offer))
const pack = await loadBank({ offers })

for (const out of [[], ['offer:inbox-tip']]) {
  test(`the answer to a repeated request with ${out.length} offers out of service`, () => {
    const calls: string[] = []
    const names = ruleNames(pack.model)
    const guards: Guards = (name) => ({
      rule: names.indexOf(name) + 1,
      asked: new Int32Array(1),
      threw: () => {},
      trap: name === 'offer:inbox-tip' ? () => void calls.push(name) : null,
    })
    const compiled = compilePack(pack, guards)
    const bank = createBank(pack, undefined, { compile: () => compiled })
    settle(bank, 'c', at)
    bank.send('c', 'profile.updated', { studentStatus: true }, { at })
    const first = bank.ask('c', 'inbox', { at: at + 1, requestId: 'r' }).decision
    expect([first.reason, first.offers.map(({ offer }) => offer)]).toEqual(['offered', ['inbox-tip']])
    calls.length = 0
    putInForce(bank.context, withQuarantine(compiled, new Set(out)), null)
    const again = bank.ask('c', 'inbox', { at: at + 2, requestId: 'r' }).decision
    const answer = [again.reason, again.offers.map(({ offer }) => offer), calls.length > 0]
    expect(answer).toEqual(
      out.length === 0 ? ['repeated_request', ['inbox-tip'], true] : ['superseded', ['inbox-hello'], false],
    )
  })
}
