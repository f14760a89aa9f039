import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { eventReference } from '../../ingest/event-reference.ts'

test('docs/events.md is the one the schemas give', () => {
  expect(readFileSync('docs/events.md', 'utf8'), 'run node ingest/write-event-reference.ts').toBe(eventReference())
})

test('a field that may be unknown is not called required', () => {
  const lines = eventReference().split('\n')
  const of = (name: string) => lines.find((line) => line.startsWith(`| \`${name}\``))
  expect(of('pageGroup')).toContain('| yes |')
  expect(of('merchantId')).toContain('|  |')
})
