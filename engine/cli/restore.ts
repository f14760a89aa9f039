/** `proffer restore`: put a backup into the store, checked against the log that it goes on with. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createRecordSignature } from '../../ingest/record-signature.ts'
import { openCodecs } from '../../sinks/codecs.ts'
import { eventClock, wallClock } from '../clock.ts'
import { type LogSide, openLogSide } from '../compose-logs.ts'
import { embeddedFolders, storeSide } from '../compose-store.ts'
import type { Config } from '../config.ts'
import { checkPartitions } from '../installation.ts'
import { signingSecret } from '../nodes/node-key.ts'
import { BackupError } from '../store/backup/backup-error.ts'
import { openRestoreTarget } from '../store/backup/open-restore-target.ts'
import { restoreBackup } from '../store/backup/restore-backup.ts'
import type { RestoreTarget } from '../store/backup/restore-target.ts'
import { type SoundBackup, verifyBackup } from '../store/backup/verify-backup.ts'
import { takeInstanceLock } from '../store/instance-lock.ts'
import type { StorePlace } from '../store/open-store.ts'
import { askName } from './ask-name.ts'
import { type BackupFlags, backupSecret, sentenceOf } from './backup.ts'
import { progressLine } from './progress-line.ts'
import { type CaughtUp, catchUpIdentities } from './restore-identities.ts'
import { checkLog } from './restore-log.ts'
import { stopSignal } from './stop-signal.ts'

export type RestoreFlags = BackupFlags & {
  /** Delete the installation that the store holds. */
  readonly replace: boolean
  /** Do not ask for its name. */
  readonly yes: boolean
}

/** Warnings printed; a large installation has one for each partition. */
const warningsMax = 8

/**
 * Restores a backup; exit code 1 when it is refused (damaged, another log, a store that is not empty, engines that run), 130
 * when it was stopped. Nothing is written before everything was read and compared once.
 *
 * @throws StoreError, LogError, IdentityError, SchemaRegistryError, InstallationError, BackupError
 */
export async function restore(config: Config, from: string, flags: RestoreFlags): Promise<number> {
  const signal = stopSignal()
  const line = progressLine('verify', flags.quiet)
  try {
    const verified = await verifyBackup(from, backupSecret(config), { onProgress: line.update, signal })
    line.done()
    if (verified.kind === 'refused') return refused(verified.reason)
    const { backup } = verified
    checkPartitions(backup.cluster, config.PARTITIONS)
    const lock = takeInstanceLock(config.DATA_DIR)
    try {
      return await restoreLocked(config, { backup, signal }, flags)
    } finally {
      lock.release()
    }
  } catch (error) {
    line.done()
    if (!(error instanceof BackupError) || error.code !== 'interrupted') throw error
    process.stderr.write(`${error.message}\n`)
    return 130
  }
}

type Job = { readonly backup: SoundBackup; readonly signal: AbortSignal }

async function restoreLocked(config: Config, job: Job, flags: RestoreFlags): Promise<number> {
  if (config.KAFKA_BROKERS === undefined && !existsSync(join(config.DATA_DIR, 'log'))) {
    return refused(
      `There is no log in ${config.DATA_DIR}: set DATA_DIR or KAFKA_BROKERS. A backup goes on with the log it was made from.`,
    )
  }
  const { place } = await storeSide(config)
  // By the clock of its rows a log of old data is not too old to be kept.
  const clock = job.backup.cluster.clock === 'event' ? eventClock(0) : wallClock
  const now = () => clock.now()
  // A name that no engine has, so that one on this machine counts among the others.
  const log = await openLogSide({ config, node: `restore-${randomUUID()}`, addr: () => '', now })
  try {
    const warnings = await lookAtLog(job.backup, log)
    if (warnings === null) return 1
    const { salt } = job.backup.cluster
    const target = await openRestoreTarget(place, { ...embeddedFolders(config), salt, now })
    try {
      const may = await mayReplace(target, nameOf(config, place), flags)
      if (may !== 'yes') return may === 'no' ? 1 : 130
      await fill(target, job, log, { flags, warnings })
      return 0
    } finally {
      await target.close()
    }
  } finally {
    await log.close()
  }
}

/** Restores and tells of it. */
async function fill(
  target: RestoreTarget,
  { backup, signal }: Job,
  log: LogSide,
  { flags, warnings }: { readonly flags: RestoreFlags; readonly warnings: readonly string[] },
): Promise<void> {
  const { manifest, cluster } = backup
  const signature = log.isOpen ? createRecordSignature(signingSecret(cluster.salt)) : null
  const identityLog = { events: log.events, codecs: openCodecs(log.schemas.place), signature }
  let aliases: CaughtUp = { changes: 0, erased: 0, left: 0 }
  const line = progressLine('restore', flags.quiet)
  try {
    await restoreBackup(backup, target, {
      onProgress: line.update,
      signal,
      catchUp: async (map) => {
        aliases = await catchUpIdentities(map, manifest.partitions, { log: identityLog, signal })
      },
    })
  } finally {
    line.done()
  }
  if (aliases.left > 0) {
    const warning = `${aliases.left} changes of aliases since the backup were too many to be taken over: send them again.`
    process.stderr.write(`Warning. ${warning}\n`)
  }
  if (flags.json) {
    const { endedAt: restored, partitions } = manifest
    process.stdout.write(`${JSON.stringify({ restored, partitions, aliases, warnings })}\n`)
  } else if (!flags.quiet) {
    process.stdout.write(
      `Restored ${sentenceOf(manifest)}. Since then the log tells of ${aliases.changes} changes of aliases and ` +
        `${aliases.erased} erasures, which the identity map has now. Start the engine: it takes in what left since, then ` +
        'counts the log from there on.\n',
    )
  }
}

/** The warnings; null when the backup was refused, which is told. */
async function lookAtLog(backup: SoundBackup, log: LogSide): Promise<readonly string[] | null> {
  const others = await log.others()
  if (others.length > 0) {
    const names = others.map((member) => member.node).join(', ')
    refused(`Engines run on this log (${names}). Stop them all, restore, then start them again.`)
    return null
  }
  const { refusals, warnings } = await checkLog(backup, log)
  for (const warning of shortened(warnings)) process.stderr.write(`Warning. ${warning}\n`)
  if (refusals.length === 0) return warnings
  refused(shortened(refusals).join('\n'))
  return null
}

/** Whether the target is empty, or may be emptied. */
async function mayReplace(
  target: RestoreTarget,
  name: string,
  { replace, yes }: RestoreFlags,
): Promise<'yes' | 'no' | 'stopped'> {
  if (!replace) {
    if (await target.isEmpty()) return 'yes'
    refused(
      `The store (${name}) is not empty: it holds an installation, or a restore that was cut off. --replace deletes what is there.`,
    )
    return 'no'
  }
  if (yes) return 'yes'
  if (!process.stdin.isTTY) {
    refused('--replace asks for the name of the installation; without a terminal say --yes.')
    return 'no'
  }
  const question = `Everything in the store is deleted. Type its name to go on (${name}): `
  const answer = await askName(name, question, { input: process.stdin, output: process.stderr })
  if (answer === 'same') return 'yes'
  if (answer === 'stopped') {
    process.stderr.write('\nStopped. Nothing was changed.\n')
    return 'stopped'
  }
  refused('That is not its name. Nothing was changed.')
  return 'no'
}

/** What an operator calls the installation. */
function nameOf(config: Config, place: StorePlace): string {
  return place.kind === 'lmdb' ? config.DATA_DIR : config.REDIS_KEY_PREFIX
}

function shortened(sentences: readonly string[]): readonly string[] {
  if (sentences.length <= warningsMax) return sentences
  return [...sentences.slice(0, warningsMax), `And ${sentences.length - warningsMax} more like these.`]
}

function refused(reason: string): 1 {
  process.stderr.write(`${reason}\n`)
  return 1
}
