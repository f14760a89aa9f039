import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { envExample, readConfig, settingsPage } from '../../engine/config.ts'

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

test('docs/settings.md is the one the settings give, and the README leads there', () => {
  expect(`${settingsPage().trimEnd()}\n`).toBe(readFileSync('docs/settings.md', 'utf8'))
  expect(readFileSync('README.md', 'utf8')).toContain('(docs/settings.md)')
})

test('settings that do not go together are refused', () => {
  const problems = (settings: Record<string, string>) => {
    const read = readConfig(settings)
    return read.kind === 'refused' ? read.problems : []
  }
  expect(problems({ KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'u' })).toEqual([
    'KAFKA_SASL_PASSWORD: is needed with KAFKA_SASL_MECHANISM, or KAFKA_SASL_PASSWORD_FILE',
  ])
  expect(problems({ KAFKA_SASL_PASSWORD: 'a', KAFKA_SASL_PASSWORD_FILE: 'b' })[0]).toContain('not both')
  expect(problems({ REDIS_TLS_CERT_FILE: 'c.pem' })).toEqual(['REDIS_TLS_KEY_FILE: is needed with REDIS_TLS_CERT_FILE'])
  expect(problems({ KAFKA_BROKERS: 'broker', REDIS_URL: 'http://secret@x' }).join()).not.toContain('secret')
})
