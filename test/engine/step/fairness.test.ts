/** What a pack declares under fairness stands in every decision, whether or not a rule read it; nothing else does. */
import { expect, test } from 'vitest'
import { createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank, bank as pieces } from './bank-pack.ts'

const at = day0 + 10 * dayMs

async function recorded(attributes: readonly string[]) {
  const fairness = attributes.length === 0 ? {} : { fairness: { attributes } }
  const bank = createBank(await loadBank({ pack: { ...pieces.pack, ...fairness } }))
  settle(bank, 'c', day0)
  const { decision } = bank.ask('c', 'home-banner', { at, count: 1 })
  return decision.features.map(({ name }) => name)
}

test('declared attributes are recorded, and nothing else is added', async () => {
  const before = await recorded([])
  const ids = pieces.attributes.filter(({ type }) => type === 'enum' || type === 'bool').map(({ id }) => id)
  const unread = ids.filter((id) => !before.includes(`profile.${id}`)).slice(0, 8)
  expect(unread.length).toBeGreaterThan(0)
  const after = await recorded(unread)
  const added = after.filter((name) => !before.includes(name))
  expect(added.sort()).toEqual(unread.map((id) => `profile.${id}`).sort())
})
