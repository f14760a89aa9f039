import { expect, test, vi } from 'vitest'
import { parseOptions } from '../../../bench/demo/options.ts'

/** Parses with what would be printed caught. */
function parsed(...args: readonly string[]) {
  const printed: string[] = []
  const catchText = (chunk: unknown): boolean => printed.push(String(chunk)) > 0
  const streams = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(catchText),
  )
  const result = parseOptions(args)
  for (const stream of streams) stream.mockRestore()
  return { result, text: printed.join('') }
}

test('nothing said gives a day of a minute with history', () => {
  const options = { events: 200_000, seed: 1, seconds: 60, json: false, keep: false, history: true, nodes: 1 }
  expect(parsed().result).toEqual({ kind: 'run', options })
})

test('each option is taken as it is said', () => {
  const { result } = parsed(
    '--events',
    '5',
    '--seed',
    '0',
    '--seconds',
    '2',
    '--json',
    '--keep',
    '--no-history',
    '--nodes',
    '2',
  )
  const options = { events: 5, seed: 0, seconds: 2, json: true, keep: true, history: false, nodes: 2 }
  expect(result).toEqual({ kind: 'run', options })
})

test('what is no option, or out of bounds, is refused with a sentence', () => {
  for (const args of [
    ['--events', '0'],
    ['--events', '1e3'],
    ['--seed', '-1'],
    ['--seconds', '0.5'],
    ['--nodes', '5'],
    ['--colour'],
    ['x'],
  ]) {
    const { result, text } = parsed(...args)
    expect([args, result]).toEqual([args, { kind: 'exit', code: 2 }])
    expect(text).toMatch(/^error: .{10,}/)
  }
})

test('the help names every option and is no error', () => {
  const { result, text } = parsed('--help')
  expect(result).toEqual({ kind: 'exit', code: 0 })
  for (const option of ['--events', '--seed', '--seconds', '--json', '--keep', '--no-history', '--nodes'])
    expect(text).toContain(option)
})
