/** Whether a backup and a log belong together, and what of the log is gone. */
import type { Log } from '../../ingest/log.ts'
import { logFault } from '../shard/take-partition.ts'
import type { BackedPartition } from '../store/backup/backup-tally.ts'
import type { SoundBackup } from '../store/backup/verify-backup.ts'
import { instant } from './print.ts'

/** What a restore has to know of the log. */
export type RestoreLog = {
  readonly identity: string
  readonly events: Pick<Log, 'read' | 'bounds'>
  readonly decisions: Pick<Log, 'bounds'>
}

/** Sentences: a refusal means that it is not its log, a warning that something is lost. */
export type LogCheck = { readonly refusals: readonly string[]; readonly warnings: readonly string[] }

type CheckedBackup = Pick<SoundBackup, 'cluster'> & { readonly manifest: Pick<SoundBackup['manifest'], 'partitions'> }

/**
 * Compares every partition of a backup with the log that it is to go on with.
 * @throws LogError
 */
export async function checkLog({ cluster, manifest }: CheckedBackup, log: RestoreLog): Promise<LogCheck> {
  if (cluster.log !== '' && cluster.log !== log.identity) {
    const refusal =
      `These customers were made from the log "${cluster.log}" and this is "${log.identity}". ` +
      'Use the log they belong to; their positions say nothing about another one.'
    return { refusals: [refusal], warnings: [] }
  }
  const refusals: string[] = []
  const warnings: string[] = []
  for (const partition of manifest.partitions) {
    const fault = await logFault(log.events, partition.partition, partition)
    if (fault?.startsWith('log_gap') === true) warnings.push(await gapOf(partition, log))
    else if (fault !== null) refusals.push(`Partition ${partition.partition}: ${fault}`)
    const { start } = await log.decisions.bounds(partition.partition)
    if (partition.dpos < start) {
      warnings.push(
        `Partition ${partition.partition}: the decisions log begins at ${start}, the backup would read it back from ${partition.dpos} on. ` +
          'What left before that and after the backup is not taken in: its contacts do not count.',
      )
    }
  }
  return { refusals, warnings }
}

async function gapOf({ partition, next, appendTime }: BackedPartition, { events }: RestoreLog): Promise<string> {
  const { start } = await events.bounds(partition)
  const [first] = await events.read(partition, start, { maxRecords: 1, maxBytes: 1 })
  const from = next === 0 ? 'its beginning' : instant(appendTime)
  const to = first === undefined ? 'now' : instant(first.appendTime)
  return (
    `Partition ${partition}: log_gap: the log begins at ${start}, the backup goes on from ${next}. Events from ${from} to ${to} ` +
    'are gone and will not be counted, erasures among them: erase those customers again. The engine closes the partition until you accept that ' +
    `(\`proffer partitions --reopen ${partition} --skip-lost\`).`
  )
}
