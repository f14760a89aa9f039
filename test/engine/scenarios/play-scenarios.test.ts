/** Playing all scenarios of a pack: told one by one, and to be stopped. */
import { expect, test } from 'vitest'
import { playScenarios } from '../../../engine/scenarios/play-scenarios.ts'
import { retailPack, scenarioOf, story } from '../../rules/scenarios/retail-names.ts'

const fine = scenarioOf(story('expect: nothing'))
const wrong = scenarioOf(story('{ request: app_offers }', 'expect: { reason: erased }'))
const never = new AbortController().signal

test('each scenario is told as it is done, with its time, in the order given', async () => {
  const told: boolean[] = []
  const played = await playScenarios(
    retailPack,
    [wrong, fine, fine],
    ({ failures, ms }) => told.push(failures.length === 0 && ms > 0),
    never,
  )
  expect(told).toEqual([false, true, true])
  expect(played).toMatchObject({ passed: 2, failed: 1, isStopped: false })
  expect(played.results.map(({ scenario }) => scenario)).toEqual([wrong, fine, fine])
})

test('who hears of a failure may stop the rest', async () => {
  const stop = new AbortController()
  const played = await playScenarios(
    retailPack,
    [fine, wrong, fine],
    ({ failures }) => {
      if (failures.length > 0) stop.abort()
    },
    stop.signal,
  )
  expect(played).toMatchObject({ passed: 1, failed: 1, isStopped: true })
})

test('others get their turn between two scenarios, so that it can be stopped from outside', async () => {
  const stop = new AbortController()
  setImmediate(() => stop.abort())
  const many = Array.from({ length: 50 }, () => fine)
  const { results, isStopped } = await playScenarios(retailPack, many, () => {}, stop.signal)
  expect(isStopped).toBe(true)
  expect(results.length).toBeLessThan(5)
})
