import { setTimeout as sleep } from 'node:timers/promises'
import type { BatchResult, ShardPort } from './shard-port.ts'

const backOffMs = { least: 20, most: 2_000 } as const

/**
 * Sends the open commit of a partition, the same bytes, until the answer is definite. Nothing of the batch leaves
 * meanwhile and nothing is given up.
 */
export async function resendCommit(
  port: ShardPort,
  partition: number,
  onDoubt: (reason: string) => void,
): Promise<BatchResult> {
  for (let pauseMs: number = backOffMs.least; ; pauseMs = Math.min(pauseMs * 2, backOffMs.most)) {
    await sleep(pauseMs)
    const result = await port.resend(partition)
    if (result.kind !== 'doubt') return result
    onDoubt(result.reason)
  }
}
