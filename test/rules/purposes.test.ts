/** Marketing that nothing opens is told of; what may still be opened is not. */
import { expect, test } from 'vitest'
import { onlyFromCalls } from './mistakes/unused.ts'
import { loadPatched, type Patch } from './patched-pack.ts'

async function blocked(patches: readonly Patch[], nowMs = Date.parse('2026-07-01')): Promise<readonly string[]> {
  const { result } = await loadPatched(patches, nowMs)
  if (result.kind !== 'ok') throw new Error(result.problems.map(({ message }) => message).join('\n'))
  return result.warnings.filter(({ code }) => code === 'purpose_missing').map(({ file, rule }) => `${file} ${rule}`)
}

const guide = 'search_topics_30d >= 3 && latest_nps >= 7'
const eligible = (to: string): Patch => ({ file: 'offers.yaml', from: guide, to })

test('an offer that asks for what only such sources tell is named, in each of its alternatives', async () => {
  const calls = onlyFromCalls('nps.answered')
  const named = 'offers.yaml card_interest_guide'
  expect(await blocked(calls)).toEqual([named])
  expect(await blocked([...calls, eligible('latest_nps >= 7 || (latest_nps <= 2 && search_topics_30d >= 3)')])).toEqual(
    [named],
  )
  expect(await blocked([...calls, eligible('latest_nps >= 7 || search_topics_30d >= 3')])).toEqual([])
})

test('of what nobody did a count is known, so what asks for none of it is open', async () => {
  const calls = onlyFromCalls('offer.accepted')
  const taken = 'utilities_autopay_taken_365d'
  expect(await blocked(calls)).toEqual([])
  expect(await blocked([...calls, eligible(`${guide} && ${taken} == 0`)])).toEqual([])
  expect(await blocked([...calls, eligible(`${guide} && ${taken} >= 1`)])).toEqual(['offers.yaml card_interest_guide'])
})

test('one source that may, or that does not say what it sends, is enough, until its agreement is over', async () => {
  const calls = onlyFromCalls('nps.answered')
  const silent = calls.filter(({ from }) => !from.includes('survey'))
  expect(await blocked(silent)).toEqual([])
  const tax = silent.map((patch) =>
    patch.from.includes('tax-office') ? { ...patch, to: patch.to.replace('page.viewed', 'nps.answered') } : patch,
  )
  const bought = [
    ...tax,
    { file: 'sources.yaml', from: '  - id: survey', to: '  - sends: [page.viewed]\n    id: survey' },
  ]
  expect(await blocked(bought)).toEqual([])
  expect(await blocked(bought, Date.parse('2028-01-02'))).toEqual(['offers.yaml card_interest_guide'])
})

test('offers that are no marketing need no such purpose', async () => {
  const service = {
    file: 'offers.yaml',
    from: `class: marketing\n    contentType: card\n    channels: [in_app]\n    eligible: ${guide}`,
  }
  const to = service.from.replace('marketing', 'service')
  expect(await blocked([...onlyFromCalls('nps.answered'), { ...service, to }])).toEqual([])
})

test('an event type that does not exist is refused', async () => {
  const patch = { file: 'sources.yaml', from: '  - id: survey', to: '  - sends: [survey.filled]\n    id: survey' }
  const { result } = await loadPatched([patch])
  expect(result).toMatchObject({ kind: 'refused', problems: [{ code: 'event_unknown', rule: 'survey' }] })
})
