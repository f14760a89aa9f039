/** `covers` is held against its meaning: nothing is in the inner scope that is not in the outer one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MessageClass, Scope } from '../../rules/model.ts'
import { covers, inScope } from '../../rules/scope.ts'

const categories = ['loan', 'wealth', 'help']
const channels = ['sms', 'app']
const classes: readonly MessageClass[] = ['regulatory', 'service', 'marketing']
const some = <T extends string>(ids: readonly T[]) =>
  fc.oneof(fc.constant('all' as const), fc.subarray([...ids], { minLength: 1 }))
const scopes: fc.Arbitrary<Scope> = fc.record({
  categories: some(categories),
  exceptCategories: fc.subarray(categories),
  channels: some(channels),
  classes: some(classes),
})

const everything = categories.flatMap((category) =>
  channels.flatMap((channel) => classes.map((messageClass) => ({ category, channel, messageClass }))),
)

test('a scope that covers another holds everything the other holds', () => {
  fc.assert(
    fc.property(scopes, scopes, (outer, inner) => {
      if (!covers(outer, inner, categories)) return
      for (const { category, channel, messageClass } of everything) {
        if (inScope(inner, category, messageClass, channel)) {
          expect(inScope(outer, category, messageClass, channel)).toBe(true)
        }
      }
    }),
    { numRuns: 2_000 },
  )
})

test('a scope of listed ids covers another whenever it holds everything of it', () => {
  const listed = scopes.filter((scope) => scope.channels !== 'all' && scope.classes !== 'all')
  fc.assert(
    fc.property(scopes, listed, (outer, inner) => {
      const held = everything.filter((e) => inScope(inner, e.category, e.messageClass, e.channel))
      fc.pre(held.length > 0)
      const all = held.every((e) => inScope(outer, e.category, e.messageClass, e.channel))
      expect(covers(outer, inner, categories)).toBe(all)
    }),
    { numRuns: 2_000 },
  )
})

test('an exception is stronger than a list', () => {
  const scope: Scope = { categories: ['loan'], exceptCategories: ['loan'], channels: 'all', classes: 'all' }
  expect(inScope(scope, 'loan', 'marketing', 'sms')).toBe(false)
})
