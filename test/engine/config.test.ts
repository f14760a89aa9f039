import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configKeys, envExample, readConfig } from '../../engine/config.ts'

test('an empty environment gives the defaults', () => {
  expect(readConfig({})).toMatchObject({
    kind: 'ok',
    config: { HOST: '127.0.0.1', PARTITIONS: 8, SHARD_MODE: 'worker' },
  })
})

test('every wrong setting is told at once, by name and without its value', () => {
  const read = readConfig({ PORT: 'secret-port', PARTITIONS: '0', SHARD_MODE: 'threads' })
  expect(read.kind).toBe('refused')
  const text = read.kind === 'refused' ? read.problems.join('\n') : ''
  for (const key of ['PORT', 'PARTITIONS', 'SHARD_MODE']) expect(text).toContain(key)
  expect(text).not.toContain('secret-port')
  expect(text).toContain('PORT: must be a whole number')
})

test('settings of other programs are ignored', () => {
  expect(readConfig({ PATH: '/bin', HOME: '/root' }).kind).toBe('ok')
})

test('.env.example is the one the settings give', () => {
  expect(`${envExample().trimEnd()}\n`).toBe(readFileSync('.env.example', 'utf8'))
})

test('the README names every setting', () => {
  const readme = readFileSync('README.md', 'utf8')
  expect(configKeys().filter(({ key }) => !readme.includes(`\`${key}\``))).toEqual([])
})
