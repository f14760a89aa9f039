/** A real broker: its jars, its data over restarts, its listeners. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { startKafka } from '../../../bench/parts/kafka.ts'
import { kafkaJars, pinnedKafkaVersion } from '../../../bench/parts/kafka-jars.ts'
import { describeWithOwnKafka } from '../../parts/describe-with-parts.ts'

const run = promisify(execFile)

async function topicsSeenBy(config: KafkaConfig): Promise<readonly string[]> {
  const admin = new Kafka({ logLevel: logLevel.NOTHING, retry: { retries: 0 }, ...config }).admin()
  try {
    await admin.connect()
    return await admin.listTopics()
  } finally {
    await admin.disconnect()
  }
}

test('a machine without Maven and without the jars is told what to install', async () => {
  const { PATH, XDG_CACHE_HOME } = process.env
  const cache = await mkdtemp(join(tmpdir(), 'proffer-cache-'))
  Object.assign(process.env, { PATH: '/nowhere', XDG_CACHE_HOME: cache })
  try {
    await expect(kafkaJars(await pinnedKafkaVersion(), () => undefined)).rejects.toMatchObject({
      code: 'part_missing',
      message: expect.stringContaining('apt-get install maven'),
    })
    expect(await readdir(join(cache, 'proffer'))).toEqual([])
  } finally {
    Object.assign(process.env, { PATH, XDG_CACHE_HOME: XDG_CACHE_HOME ?? '' })
    await rm(cache, { recursive: true, force: true })
  }
})

await describeWithOwnKafka('a Kafka of its own', () => {
  test('processes that need the jars at once share one download, also past one that was killed in the middle', async () => {
    const cache = await mkdtemp(join(tmpdir(), 'proffer-cache-'))
    const module = fileURLToPath(new URL('../../../bench/parts/kafka-jars.ts', import.meta.url))
    const script = `
      const { kafkaJars, pinnedKafkaVersion } = await import(${JSON.stringify(module)})
      console.log(await kafkaJars(await pinnedKafkaVersion(), (line) => console.error(line)))`
    const fetchJars = () =>
      run(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, XDG_CACHE_HOME: cache } })
    try {
      const version = await pinnedKafkaVersion()
      const [{ stdout }] = [await fetchJars()]
      const folder = stdout.trim()
      await rm(folder, { recursive: true })
      // Left by a process that is gone.
      await writeFile(`${folder}.lock`, '999999999')
      const all = await Promise.all([fetchJars(), fetchJars(), fetchJars()])
      expect(new Set(all.map((one) => one.stdout.trim()))).toEqual(new Set([folder]))
      expect(all.filter((one) => one.stderr.includes('fetching'))).toHaveLength(1)
      expect(await readdir(folder)).toContain(`kafka_2.13-${version}.jar`)
      expect(await readdir(join(cache, 'proffer'))).toHaveLength(1)
    } finally {
      await rm(cache, { recursive: true, force: true })
    }
  }, 120_000)

  test('keeps its topics over kill and stop, has what it was told, and leaves nothing behind', async () => {
    const kafka = await startKafka({ properties: { 'log.retention.ms': '12345' } })
    const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 } })
    const admin = client.admin()
    await admin.connect()
    // Without a retry, as it is there only when it answers: first the topics, then the group that has to be looked up.
    await admin.listTopics()
    await admin.fetchOffsets({ groupId: 'any' })
    await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 2 }] })
    const described = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: 'kept', configNames: ['retention.ms'] }],
    })
    expect(described.resources[0]?.configEntries[0]?.configValue).toBe('12345')
    await admin.disconnect()
    for (const end of [() => kafka.kill(), () => kafka.stop({ keepData: true })]) {
      await end()
      expect(kafka.pid()).toBeNull()
      await kafka.restart()
      expect(await topicsSeenBy({ brokers: [...kafka.brokers] })).toContain('kept')
    }
    await kafka.stop()
    expect(existsSync(kafka.dir)).toBe(false)
  }, 90_000)

  test('lets the user of its secure listener in, over TLS or not, and nobody else', async () => {
    const user = { username: 'proffer', password: 'a-password' }
    const encrypted = await startKafka({ sasl: { mechanism: 'scram-sha-512', ...user }, tls: true })
    const plain = await startKafka({ sasl: { mechanism: 'plain', ...user } })
    try {
      const brokers = [...(encrypted.secure?.brokers ?? [])]
      const ssl = { ca: encrypted.secure?.ca ?? '' }
      // A new object each time: kafkajs writes what signs in into the one it gets, and a copy of that keeps the password.
      const signIn = (password: string) => ({ mechanism: 'scram-sha-512', ...user, password }) as const
      const sasl = signIn(user.password)
      expect(await topicsSeenBy({ brokers, ssl, sasl })).toContain('__consumer_offsets')
      await expect(topicsSeenBy({ brokers, ssl, sasl: signIn('another') })).rejects.toThrow(/authentication/i)
      await expect(topicsSeenBy({ brokers, sasl })).rejects.toThrow()
      await expect(topicsSeenBy({ brokers, ssl: true, sasl })).rejects.toThrow(/self-signed/)
      const open = [...(plain.secure?.brokers ?? [])]
      expect(plain.secure?.ca).toBeNull()
      expect(await topicsSeenBy({ brokers: open, sasl: { mechanism: 'plain', ...user } })).toContain(
        '__consumer_offsets',
      )
      const stranger = { mechanism: 'plain', username: 'someone', password: 'a-password' } as const
      await expect(topicsSeenBy({ brokers: open, sasl: stranger })).rejects.toThrow(/authentication/i)
    } finally {
      await Promise.all([encrypted.stop(), plain.stop()])
    }
  }, 90_000)
})
