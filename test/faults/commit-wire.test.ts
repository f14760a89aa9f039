/**
 * Faults 2 and 4: the line to Redis is cut around commits, and old commits arrive again. Method: a proxy before a real Redis cuts
 * single commits before, within and behind their bytes, and sends recorded ones once more, under load.
 */
import { expect, test } from 'vitest'
import { startRedis } from '../../bench/parts/redis.ts'
import { startTcpProxy, type TcpProxy } from '../../bench/parts/tcp-proxy.ts'
import { readScript } from '../../engine/store/redis/lua-script.ts'
import { describeWithKafkaAndOwnRedis } from '../parts/describe-with-parts.ts'
import { beginLoad } from './bank-load.ts'
import type { FaultBank } from './fault-bank.ts'
import { redisCommands } from './redis-commands.ts'
import { faultSeeds } from './seeds.ts'
import { mustHold, until, withBank } from './with-bank.ts'

const { sha } = readScript('commit.lua')
const isCommit = (bytes: Buffer): boolean => bytes.includes(sha)

await describeWithKafkaAndOwnRedis('a commit', (brokers) => {
  /** A bank whose engines reach a Redis of their own through a proxy. */
  async function behindProxy(seed: number, use: (bank: FaultBank, proxy: TcpProxy) => Promise<void>): Promise<void> {
    const redis = await startRedis()
    const proxy = await startTcpProxy({ target: { host: '127.0.0.1', port: redis.port } })
    const engine = `redis://127.0.0.1:${proxy.port}`
    try {
      await withBank({ seed, brokers, redis: { engine, evidence: () => redis.url } }, (bank) => use(bank, proxy))
    } finally {
      await proxy.close()
      await redis.stop()
    }
  }

  test.concurrent.for(faultSeeds(2))(
    'whose call or reply is lost has one effect: seed %i',
    { timeout: 90_000 },
    (seed) =>
      behindProxy(seed, async (bank, proxy) => {
        await bank.start('a')
        const load = beginLoad(bank, { events: 100 })
        for (let i = 0; i < 9; i++) {
          await untilMoved(bank, 4 + bank.random.below(12))
          const bytes = i % 3 === 0 ? 0 : 1 + bank.random.below(300)
          const isReply = i % 3 !== 0 && bank.random.chance(0.7)
          if (isReply) await proxy.loseReply({ when: isCommit })
          else await proxy.cutRequest({ bytes, when: isCommit })
          bank.tell(isReply ? 'the reply of a commit was lost' : `a commit was cut after ${bytes} bytes`)
        }
        await load.end()
        await mustHold(bank)
      }),
  )

  test.concurrent.for(faultSeeds(1))('that arrives again late changes nothing: seed %i', { timeout: 90_000 }, (seed) =>
    behindProxy(seed, async (bank, proxy) => {
      await bank.start('a')
      const recording = proxy.record()
      // Customers ask much and events are rare, so that most commits leave the offset as it is.
      const load = beginLoad(bank, { events: 20, everyMs: 40, askEveryMs: 5 })
      const replies: string[] = []
      for (let i = 0; i < 3; i++) {
        await untilMoved(bank, 40)
        const old = redisCommands(recording.bytes()).filter(isCommit).slice(0, -20)
        for (let k = 0; k < 4; k++) {
          const bytes = old[bank.random.below(old.length)]
          if (bytes !== undefined) replies.push((await proxy.replay(bytes)).toString())
        }
      }
      await load.end()
      bank.tell(`replies to old commits: ${replies.map((reply) => JSON.stringify(reply)).join(' ')}`)
      await mustHold(bank)
      expect(replies.length).toBe(12)
      // The number of a newer commit, or of this one where the partition has come no further.
      for (const reply of replies) expect(reply).toMatch(/^\$\d+\r\n(\d+|repeated)\r\n$/)
      expect(replies.some((reply) => !reply.includes('repeated'))).toBe(true)
    }),
  )
})

/** Waits for so many commits, so that each fault meets a line that works. */
async function untilMoved(bank: FaultBank, commits: number): Promise<void> {
  const sum = async (): Promise<number> => (await bank.metas()).reduce((all, meta) => all + (meta?.seq ?? 0), 0)
  const before = await sum()
  await until(async () => (await sum()) >= before + commits)
}
