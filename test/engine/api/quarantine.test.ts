/** What operators see of a rule that failed, over real HTTP, and how they put it back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { showQuarantine } from '../../../engine/cli/quarantine.ts'
import { throwsMax } from '../../../engine/shard/rule-watch.ts'
import { cloudEvent, type RunningEngine, runEngine } from '../running-engine.ts'

const rule = 'trigger:fx-interest'
let engine: RunningEngine
beforeAll(async () => {
  engine = await runEngine({ shards: { trap: { rule, how: 'throw', from: 1 } } })
})
afterAll(() => engine.stop())

async function view(id: string): Promise<void> {
  const data = { page: '/', pageGroup: 'fx', dwellMs: 1 }
  const sent = await engine.call('POST', '/v1/events', cloudEvent('C-fx', 'page.viewed', data, { id }))
  expect(sent.status).toBe(200)
}

const client = {
  get: (path: string) => engine.call('GET', path),
  post: (path: string, body: unknown) => engine.call('POST', path, body),
}

test('a rule that keeps throwing is counted, quarantined, told everywhere, and can be put back', async () => {
  expect((await engine.call('GET', '/v1/quarantine')).body).toEqual({ rules: [], threadsReplaced: 0 })
  expect((await engine.call('GET', '/readyz')).body).toMatchObject({ status: 'ready', quarantinedRules: 0 })
  for (let i = 0; i < throwsMax; i++) await view(`view-${i}`)
  const deadline = Date.now() + 10_000
  while (engine.engine.watch.quarantined.length === 0 && Date.now() < deadline) await sleep(50)

  expect((await engine.call('GET', '/v1/quarantine')).body).toMatchObject({ rules: [{ rule, why: 'threw' }] })
  expect((await engine.call('GET', '/readyz')).body).toMatchObject({ status: 'ready', quarantinedRules: 1 })
  const metrics = await engine.call('GET', '/metrics')
  expect(metrics.text).toContain(`rule_quarantined{rule="${rule}"} 1`)
  expect(metrics.text).toMatch(new RegExp(`rule_throws_count\\{rule="${rule}"\\} \\d+`))
  await view('view-last')
  const explained = await engine.call('GET', '/v1/explain?customer=C-fx&event=view-last')
  expect(explained.text).toContain('it failed and is out of service until an operator has looked at it')

  expect((await engine.call('POST', '/v1/quarantine/lift')).status).toBe(400)
  expect((await engine.call('POST', '/v1/quarantine/lift?rule=trigger:nobody')).status).toBe(404)
  expect(await showQuarantine(client, null, true)).toBe(1)
  expect(await showQuarantine(client, 'trigger:nobody', true)).toBe(1)
  expect(await showQuarantine(client, rule, true)).toBe(0)
  expect((await engine.call('GET', '/v1/quarantine')).body).toMatchObject({ rules: [] })
  expect((await engine.call('GET', '/metrics')).text).not.toContain(`rule_quarantined{rule="${rule}"} 1`)
})
