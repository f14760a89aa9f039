/** The question before everything in a store is deleted: goal, only its name goes on, and Ctrl-C is no error. */
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { askName } from '../../../engine/cli/ask-name.ts'

test.each([
  ['data\r', 'same'],
  ['dat\r', 'other'],
  ['\r', 'other'],
  ['\u0003', 'stopped'],
  ['\u0004', 'stopped'],
] as const)('%j is %s', async (typed, came) => {
  const input = new PassThrough()
  const asked = askName('data', 'Type its name: ', { input, output: new PassThrough() })
  input.write(typed)
  expect(await asked).toBe(came)
})
