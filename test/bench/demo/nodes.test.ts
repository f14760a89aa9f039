import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { describeWithOwnKafka } from '../../parts/describe-with-parts.ts'

const main = fileURLToPath(new URL('../../../bench/demo/main.ts', import.meta.url))

const Report = z.object({
  good: z.boolean(),
  steps: z.array(z.object({ title: z.string(), tookMs: z.number(), phase: z.object({ requests: z.number() }) })),
  accounts: z.object({ accepted: z.number(), checks: z.array(z.object({ text: z.string(), holds: z.boolean() })) }),
})

await describeWithOwnKafka('two engines on servers', () => {
  test('nodes that join, stand still, die and leave lose nothing and double nothing', {
    timeout: 600_000,
  }, async () => {
    const args = [main, '--nodes', '2', '--no-history', '--json']
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 580_000 })
    const report = Report.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''))
    expect(report.accounts.checks.filter(({ holds }) => !holds)).toEqual([])
    expect(report.accounts.accepted).toBeGreaterThan(0)
    expect(report.steps.map(({ title }) => title.replace(/^node-\d /, ''))).toEqual([
      'joins',
      'stands still (SIGSTOP)',
      'wakes up (SIGCONT)',
      'is killed (kill -9)',
      'is started again',
      'leaves in order (SIGTERM)',
    ])
    // While a node was missing the other one answered.
    for (const { phase } of report.steps) expect(phase.requests).toBeGreaterThan(0)
    expect(report.good).toBe(true)
  })
})
