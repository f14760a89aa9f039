/** What a Redis server did, by its own account (`INFO`). */
import { withRedisAt } from '../parts/redis-server.ts'

export type RedisUsage = {
  /** CPU of the main thread, which runs the commands, seconds. */
  readonly mainSeconds: number
  /** Bytes it was sent and sent itself. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** Calls by command, in lower case; what scripts call is counted too. */
  readonly calls: ReadonlyMap<string, number>
  readonly memoryBytes: number
}

/** Looks at a server. */
export async function redisUsage(url: string): Promise<RedisUsage> {
  return withRedisAt(url, async (redis) => {
    const info = await redis.info('all')
    const field = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0)
    const calls = new Map<string, number>()
    for (const [, name = '', count] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) calls.set(name, Number(count))
    return {
      mainSeconds: field('used_cpu_user_main_thread') + field('used_cpu_sys_main_thread'),
      bytesIn: field('total_net_input_bytes'),
      bytesOut: field('total_net_output_bytes'),
      calls,
      memoryBytes: field('used_memory'),
    }
  })
}

/** Calls of a command between two looks. */
export function callsBetween(before: RedisUsage, after: RedisUsage, command: string): number {
  return (after.calls.get(command) ?? 0) - (before.calls.get(command) ?? 0)
}
