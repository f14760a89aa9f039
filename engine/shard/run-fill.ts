import type { WaitingFill } from './fill-slot.ts'
import type { PartitionOptions } from './partition-options.ts'
import { type DefiniteResult, definiteResult } from './resend-commit.ts'
import type { FillTask } from './shard-port.ts'

/**
 * Runs a step of a backfill and replies to who asked for it. Returns what became of its commit; null: it had none.
 * @throws what the shard throws when its thread dies
 */
export async function runFill(
  options: Pick<PartitionOptions, 'port' | 'partition' | 'timing'>,
  { step, reply }: WaitingFill,
  out: Pick<FillTask, 'published' | 'dpos' | 'notAfter'>,
  onDoubt: (reason: string | null) => void,
): Promise<DefiniteResult | null> {
  const { port, partition } = options
  try {
    const filled = await port.fill({ partition, step, ...out })
    if (filled.kind === 'refused') {
      reply(filled)
      return null
    }
    if (filled.kind !== 'filled') {
      reply({ kind: 'away' })
      return filled
    }
    const { at, read, added } = filled
    const result = await definiteResult(options, filled.result, onDoubt)
    reply(result.kind === 'done' ? { kind: 'filled', at, read, added, progress: result.progress } : { kind: 'away' })
    return result
  } catch (error) {
    reply({ kind: 'away' })
    throw error
  }
}
