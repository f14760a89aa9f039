/** A whole engine in this process for a benchmark of what it decides: customers in a Redis, everything else in a temporary folder. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wallClock } from '../../engine/clock.ts'
import { type Engine, startEngine } from '../../engine/compose.ts'
import { type Config, readConfig } from '../../engine/config.ts'
import { createLogger } from '../../engine/log.ts'

export type RedisEngine = {
  readonly engine: Engine
  readonly config: Config
  /** Stops it and removes the folder. */
  stop(): Promise<void>
}

/** Starts it with worker threads, without HTTP and history; its log is complete. @throws Error when the pack is refused */
export async function startRedisEngine(plan: {
  readonly redisUrl: string
  /** Folder of the pack. */
  readonly pack: string
  readonly cacheMb: number
}): Promise<RedisEngine> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-bench-'))
  const settings = { DATA_DIR: dir, PACK: plan.pack, REDIS_URL: plan.redisUrl, CACHE_MB: String(plan.cacheMb) }
  const read = readConfig({ ...settings, SHARD_MODE: 'worker' })
  if (read.kind === 'refused') throw new Error(read.problems.join('; '))
  const engine = await startEngine({
    config: read.config,
    clock: wallClock,
    completeSince: 0,
    serve: null,
    history: false,
    logger: createLogger('error', 'stderr'),
  })
  return {
    engine,
    config: read.config,
    async stop() {
      await engine.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
