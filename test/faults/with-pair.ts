/** A bank on a Redis with a replica that may take over, as behind an address that moves. */
import { type RedisPair, startRedisPair } from '../../bench/parts/redis.ts'
import { startTcpProxy } from '../../bench/parts/tcp-proxy.ts'
import type { BankOptions, FaultBank } from './fault-bank.ts'
import { withBank } from './with-bank.ts'

export type Failover = {
  readonly pair: RedisPair
  /** The address leads nowhere for a moment, then to the replica, which is a primary from then on. */
  failOver(): Promise<void>
}

export async function withPair(
  options: Omit<BankOptions, 'redis'>,
  use: (bank: FaultBank, failover: Failover) => Promise<void>,
): Promise<void> {
  const pair = await startRedisPair()
  const proxy = await startTcpProxy({ target: { host: '127.0.0.1', port: pair.primary.port } })
  let primary = pair.primary
  const redis = { engine: `redis://127.0.0.1:${proxy.port}`, evidence: () => primary.url }
  try {
    await withBank({ ...options, redis }, (bank) =>
      use(bank, {
        pair,
        async failOver() {
          proxy.refuse()
          await pair.promote()
          primary = pair.replica
          proxy.lead(primary.port)
          proxy.pass()
          bank.tell('the replica took over')
        },
      }),
    )
  } finally {
    await proxy.close()
    await pair.stop()
  }
}
