/** Control logs on a real embedded log in a temporary folder, as many nodes as a test wants. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Control, openControl } from '../../../engine/control/control-log.ts'
import type { ControlAction } from '../../../engine/control/control-record.ts'
import type { Caller, Role } from '../../../engine/control/roles.ts'
import { openLmdbLog } from '../../../ingest/lmdb-log.ts'
import type { Log } from '../../../ingest/log.ts'

export const secret = Buffer.from('the secret of a test')
export const hashOf = (digit: string) => digit.repeat(64)
export const person = (name: string, ...roles: Role[]): Caller => ({ name, roles, isOwner: false })

export const first: ControlAction = { action: 'version_first', name: 'bank', hash: hashOf('a'), files: hashOf('a') }
export function proposal(digit: string, base: number, compliance: readonly string[] = []): ControlAction {
  const changed = { added: 1, removed: 0, changed: 0 }
  return {
    action: 'version_proposed',
    name: 'bank',
    hash: hashOf(digit),
    files: hashOf(digit),
    base,
    compliance,
    changed,
  }
}
export const approval = (version: number, base: number, compliance: readonly string[] = []): ControlAction => ({
  action: 'version_approved',
  version,
  base,
  compliance,
})

export type ControlRig = {
  readonly log: Log
  readonly clock: { now: number }
  node(lookEveryMs?: number): Promise<Control>
  stop(): Promise<void>
}

export async function openRig(): Promise<ControlRig> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-control-'))
  const clock = { now: 1_800_000_000_000 }
  const now = () => clock.now
  const log = await openLmdbLog({
    dir,
    name: 'control',
    partitions: 1,
    now,
    retentionMs: Number.POSITIVE_INFINITY,
    maxBytes: 64_000_000,
  })
  const opened: Control[] = []
  return {
    log,
    clock,
    async node(lookEveryMs) {
      const control = await openControl({
        log,
        secret,
        now,
        lookEveryMs: lookEveryMs ?? null,
        onBroken: () => undefined,
      })
      opened.push(control)
      return control
    },
    async stop() {
      for (const control of opened) await control.close()
      await log.close()
      await rm(dir, { recursive: true })
    },
  }
}
