/** One query lists the decisions that a source influenced, and no others. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Decision, Origin } from '../../../sinks/decision.ts'
import { createWorld, offering, type World } from './history-world.ts'

// A ClickHouse starts for each test: on a busy machine that takes a while.
vi.setConfig({ testTimeout: 60_000 })

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(async () => {
  await world.dispose()
})

const at = Date.UTC(2026, 2, 2)

function decision(n: number, origins: readonly Origin[], now = at): Decision {
  const feature = (name: string) => ({ name, lo: 1, hi: 1, class: 'exact' as const })
  return { ...offering(n), now, features: [feature('views'), feature('assets')], origins }
}

test('what a source fed or caused is listed with the features, what it had no part in is not', async () => {
  const source = (id: string, features: readonly number[]): Origin => ({
    kind: 'source',
    id,
    basis: 'consent',
    features,
  })
  const fed = decision(1, [source('web', [0]), source('core-banking', [1])])
  const caused = decision(2, [source('web', [])])
  const other = decision(3, [source('core-banking', [0, 1])])
  const consent = decision(4, [{ kind: 'consent', id: 'web', basis: 'consent', features: [1] }])
  const earlier = decision(5, [source('web', [0])], at - 1)
  await world.addDecisions([fed, caused, other, consent, earlier])
  const history = await world.start({})
  expect(await history.flush(40_000)).toBe(true)
  const rows = async (query: string): Promise<readonly unknown[]> => {
    const answer = await history.query(query, 'json')
    if (answer.kind !== 'ok') throw new Error(answer.message)
    return answer.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }
  const since = '2026-03-02 00:00:00'
  const columns = 'SELECT decision_id, features FROM'
  const web = await rows(`${columns} decisions_of_source(source = 'web', since = '${since}') ORDER BY features DESC`)
  expect(web).toEqual([
    { decision_id: fed.id, features: ['views'] },
    { decision_id: caused.id, features: [] },
  ])
  expect(await rows(`${columns} decisions_of_consent(consent = 'web', since = '${since}')`)).toEqual([
    { decision_id: consent.id, features: ['assets'] },
  ])
  expect((await history.decision(fed.id))?.origins).toEqual(fed.origins)
})
