import type { Timing } from '../clock.ts'
import { backOffMs, longerPause } from './partition-options.ts'
import type { BatchResult, ShardPort } from './shard-port.ts'

/** The result of a batch once it is known. */
export type DefiniteResult = Exclude<BatchResult, { kind: 'doubt' }>

/**
 * Sends the open commit of a partition, the same bytes, until the answer is definite. Nothing of the batch leaves
 * meanwhile and nothing is given up.
 */
export async function resendCommit(
  { port, partition, timing }: { readonly port: ShardPort; readonly partition: number; readonly timing: Timing },
  onDoubt: (reason: string) => void,
): Promise<DefiniteResult> {
  for (let pauseMs: number = backOffMs.least; ; pauseMs = longerPause(pauseMs)) {
    await timing.sleep(pauseMs)
    const result = await port.resend(partition)
    if (result.kind !== 'doubt') return result
    onDoubt(result.reason)
  }
}

/**
 * The result of a batch once it is known, sent again while it is not.
 * @param onDoubt hears why it is not known, and null when it is again
 */
export async function definiteResult(
  steps: { readonly port: ShardPort; readonly partition: number; readonly timing: Timing },
  result: BatchResult,
  onDoubt: (reason: string | null) => void,
): Promise<DefiniteResult> {
  if (result.kind !== 'doubt') return result
  onDoubt(result.reason)
  const known = await resendCommit(steps, onDoubt)
  onDoubt(null)
  return known
}
