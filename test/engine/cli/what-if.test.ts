/** `proffer whatif` while it is followed: goal, Ctrl-C and another's what-if each end it with a plain sentence. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Client } from '../../../engine/cli/client.ts'
import { whatIf } from '../../../engine/cli/what-if.ts'

let err = ''
beforeEach(() => {
  err = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text
    return true
  })
})
afterEach(() => void vi.restoreAllMocks())

const job = (id: string, by: string) => ({ id, by, state: 'running', progress: null, report: null, refusal: null })

/** An engine where anna begins one; whoever looks afterwards sees `later`. */
function engineOf(later: unknown): Client & { readonly posted: string[] } {
  const posted: string[] = []
  return {
    posted,
    get: async () => ({ status: 200, body: later }),
    post: async (path) => {
      posted.push(path)
      return { status: 200, body: job('1', 'anna') }
    },
  }
}

const options = {
  pack: 'a'.repeat(64),
  ...{ days: 1, warmupDays: undefined, yes: false, examples: false, json: false },
}

test('another one that began meanwhile is not taken for it', async () => {
  const engine = engineOf({ ...job('2', 'bob'), state: 'done' })
  expect(await whatIf(engine, { ...options, signal: new AbortController().signal })).toBe(1)
  expect(err).toContain('It was stopped, and bob began another one.')
})

test('one that is refused is a whole answer for machines too', async () => {
  const refusal = { code: 'too_long', message: 'It would take about 3.0 hours.', problems: [] }
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
  const engine = engineOf({ ...job('1', 'anna'), state: 'refused', refusal })
  expect(await whatIf(engine, { ...options, json: true, signal: new AbortController().signal })).toBe(1)
  expect(out.mock.calls.map(([text]) => JSON.parse(String(text)))).toEqual([{ refusal }])
  expect(err).toContain('about 3.0 hours')
})

test('Ctrl-C stops it on the engine, with the exit code of a stop', async () => {
  const engine = engineOf(job('1', 'anna'))
  expect(await whatIf(engine, { ...options, signal: AbortSignal.abort() })).toBe(130)
  expect(engine.posted).toEqual(['/v1/what-ifs', '/v1/what-ifs/stop'])
  expect(err).toBe('Stopped. Nothing of it is kept.\n')
})
