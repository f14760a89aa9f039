/** The life of a version of the pack: proposed, approved, put in force, rolled back. Each step is a record of the control log. */
import type { PackChange } from '../../rules/pack-diff.ts'
import type { ActivationResult, Activator } from '../activation/activation.ts'
import { certificateName } from '../proof/certificate.ts'
import type { Store } from '../store/store.ts'
import type { CheckReport, TestReport } from '../workshop/pack-report.ts'
import type { PreparedVersion } from '../workshop/prepare-version.ts'
import type { Worked, Workshop } from '../workshop/workshop.ts'
import { sourcesName } from './begin-control.ts'
import type { Control } from './control-log.ts'
import { complianceMax } from './control-record.ts'
import {
  type ControlState,
  isAbandoned,
  type NodeStart,
  type Version,
  versionInForce,
  versionOf,
} from './control-state.ts'
import { type Outlook, outlookOf } from './judge-activation.ts'
import type { Caller } from './roles.ts'
import { type Refused, refused, unknownVersion, type Verdict } from './verdict.ts'

export type VersionsParts = {
  readonly control: Control
  readonly workshop: Workshop
  readonly store: Pick<Store, 'pack' | 'putPack'>
  readonly activator: Activator
  /** This start of this node. */
  readonly self: NodeStart
  /** Names of the other nodes that take part now. @throws LogError */
  readonly others: () => Promise<readonly string[]>
  readonly now: () => number
}

/** The workshop has no result. */
export type NotWorked = { readonly kind: Exclude<Worked<unknown>['kind'], 'worked'> }

export type Proposed =
  | {
      readonly kind: 'proposed'
      readonly version: Version
      readonly changes: readonly PackChange[]
      readonly scenarios: number
    }
  | { readonly kind: 'body_invalid'; readonly message: string }
  | { readonly kind: 'check_failed'; readonly report: CheckReport }
  | { readonly kind: 'test_failed'; readonly report: TestReport }
  | Refused
  | NotWorked

export type Done = { readonly kind: 'done'; readonly version: Version } | Refused | NotWorked

export type PutInForce =
  | { readonly kind: 'put_in_force'; readonly version: Version; readonly result: ActivationResult }
  /** The store failed before anything changed. */
  | { readonly kind: 'store_failed'; readonly message: string }
  | Refused

/** Every method throws ControlError and LogError when the log does not answer, StoreError when the store does not. */
export class Versions {
  readonly #parts: VersionsParts
  /** Activations that this node is asked for and that have not ended; all but one are about to be refused. */
  #underWay = 0

  constructor(parts: VersionsParts) {
    this.#parts = parts
  }

  get state(): ControlState {
    return this.#parts.control.state
  }

  /** Whether a version can be put in force now. One that a node began and died at holds others up here until somebody asks for one. */
  outlook(version: Version): Outlook {
    return outlookOf(this.state, version, this.#parts.now())
  }

  /** @param body the bytes of the call, which the workshop reads */
  async propose(caller: Caller, body: Uint8Array): Promise<Proposed> {
    const { control, workshop, store } = this.#parts
    const inForce = versionInForce(control.state)
    if (inForce === null) return notBegun
    const worked = await workshop.prepare({ kind: 'body', body }, await store.pack(inForce.hash))
    if (worked.kind !== 'worked') return worked
    if (worked.value.kind === 'body_invalid') return worked.value
    const { result, why } = worked.value
    if (why === null)
      return { kind: 'body_invalid', message: 'Say why it is proposed: {"files": {...}, "why": "..."}.' }
    if (result.kind !== 'ready') return result
    await this.#keep(result)
    const verdict = await control.submit(caller, why, {
      action: 'version_proposed',
      name: result.name,
      hash: result.hash,
      files: result.filesHash,
      base: inForce.number,
      compliance: reasonsOf(result.changes),
      changed: countsOf(result.changes),
    })
    if (verdict.kind === 'refused') return verdict
    const version = control.state.versions.findLast((one) => one.hash === result.hash && one.files === result.filesHash)
    return version === undefined
      ? notBegun
      : { kind: 'proposed', version, changes: result.changes, scenarios: result.scenarios }
  }

  /** An approval holds against the version in force now: when it is another than the proposal's, what changed is looked at again. */
  async approve(caller: Caller, number: number, why: string): Promise<Done> {
    const { control } = this.#parts
    const [version, inForce] = [versionOf(control.state, number), versionInForce(control.state)]
    if (inForce === null) return notBegun
    let compliance = version?.compliance ?? []
    if (version !== null && version.base !== inForce.number) {
      const worked = await this.diff(inForce.number, number)
      if (worked.kind !== 'worked') return worked.kind === 'unknown' ? unknownVersion(number) : worked
      compliance = reasonsOf(worked.value)
    }
    const base = inForce.number
    return this.#done(
      number,
      await control.submit(caller, why, { action: 'version_approved', version: number, base, compliance }),
    )
  }

  async reject(caller: Caller, number: number, why: string): Promise<Done> {
    return this.#done(
      number,
      await this.#parts.control.submit(caller, why, { action: 'version_rejected', version: number }),
    )
  }

  async activate(caller: Caller, number: number, why: string): Promise<PutInForce> {
    await this.#settleAbandoned(caller)
    return this.#putInForce(caller, number, why, 'activate')
  }

  /** To the version that was in force before. */
  async rollBack(caller: Caller, why: string): Promise<PutInForce> {
    // What it goes back from may be in force and not told yet.
    await this.#settleAbandoned(caller)
    const before = this.state.inForce?.before?.version
    if (before !== undefined) return this.#putInForce(caller, before, why, 'rollback')
    return refused('nothing_before', 'No other version was in force before this one.')
  }

  /** What changed between two versions. */
  async diff(from: number, to: number): Promise<Worked<readonly PackChange[]> | { readonly kind: 'unknown' }> {
    const { workshop, store } = this.#parts
    const models = await Promise.all([from, to].map((number) => this.#model(number, store)))
    const [before, after] = models
    if (before === undefined || before === null || after === undefined || after === null) return { kind: 'unknown' }
    return workshop.diff(before, after)
  }

  /** The sources of a version as JSON; null: there is no such version, or they are not kept. */
  async files(number: number): Promise<string | null> {
    const files = versionOf(this.state, number)?.files ?? null
    return files === null ? null : this.#parts.store.pack(sourcesName(files))
  }

  async #model(number: number, store: Pick<Store, 'pack'>): Promise<string | null> {
    const version = versionOf(this.state, number)
    return version === null ? null : store.pack(version.hash)
  }

  /** Everything a version needs is kept before the log names it. */
  async #keep({ hash, model, certificate, files, filesHash }: PreparedVersion): Promise<void> {
    const { store } = this.#parts
    await store.putPack(sourcesName(filesHash), files)
    await store.putPack(certificateName(hash), certificate)
    await store.putPack(hash, model)
  }

  #done(number: number, verdict: Verdict): Done {
    if (verdict.kind === 'refused') return verdict
    const version = versionOf(this.state, number)
    return version === null ? unknownVersion(number) : { kind: 'done', version }
  }

  async #putInForce(caller: Caller, number: number, why: string, how: 'activate' | 'rollback'): Promise<PutInForce> {
    this.#underWay++
    try {
      return await this.#carryOut(caller, number, why, how)
    } finally {
      this.#underWay--
    }
  }

  async #carryOut(caller: Caller, number: number, why: string, how: 'activate' | 'rollback'): Promise<PutInForce> {
    const { control, activator, self } = this.#parts
    const verdict = await control.submit(caller, why, { action: 'activating', version: number, how, node: self })
    if (verdict.kind === 'refused') return verdict
    const { activating, inForce } = control.state
    const begun = activating?.record ?? 0
    // Another node that took this one for gone may have settled it, or one that was taken for gone be in force after all.
    const isWanted = async (): Promise<boolean> => {
      await control.sync()
      return control.state.activating?.record === begun && control.state.inForce === inForce
    }
    const version = versionOf(control.state, number)
    if (version === null) return unknownVersion(number)
    // How it went is told also when the key was revoked meanwhile.
    const teller: Caller = { ...caller, digest: undefined }
    let result: ActivationResult
    try {
      result = await activator.activate(version.hash, isWanted)
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      await control.submit(teller, why, { action: 'activation_failed', version: number, begun, reason: cut(message) })
      return { kind: 'store_failed', message }
    }
    if (result.kind === 'refused')
      await control.submit(teller, why, {
        action: 'activation_failed',
        version: number,
        begun,
        reason: cut(`${result.code}: ${result.message}`),
      })
    else {
      const missing = result.kind === 'activated' ? [] : result.missing.slice(0, missingMax)
      await control.submit(teller, why, { action: 'activated', version: number, begun, missing })
    }
    return { kind: 'put_in_force', version: versionOf(control.state, number) ?? version, result }
  }

  /** An activation that nobody said the end of and that cannot be going on any more: the installation's record says how it went. */
  async #settleAbandoned(caller: Caller): Promise<void> {
    const { control, activator, self, others, now } = this.#parts
    // What another node put in force a moment ago counts too: a roll-back goes to what was there before that.
    await control.sync()
    const { activating } = control.state
    const isAtOne = this.#underWay > 0
    if (activating === null || !isAbandoned(activating, { self, isAtOne, others: await others(), at: now() })) return
    const { version, record: begun } = activating
    const isThere = versionOf(control.state, version)?.hash === (await activator.status()).packHash
    await control.submit(
      caller,
      'Nobody said how it went.',
      isThere
        ? { action: 'activated', version, begun, missing: [] }
        : { action: 'activation_failed', version, begun, reason: 'Its node ended before it was done.' },
    )
  }
}

const missingMax = 1_000
const reasonMax = 2_000
const notBegun = refused('not_begun', 'No version is in force yet.')

function cut(text: string): string {
  return text.slice(0, reasonMax)
}

/** Why compliance has to approve, a sentence each; beyond the most that a record names the last says how many more there are. */
export function reasonsOf(changes: readonly PackChange[]): readonly string[] {
  const reasons = changes.flatMap(({ kind, id, change, compliance }) =>
    compliance === null ? [] : [`${kind} ${id} was ${change}: ${compliance}`],
  )
  if (reasons.length <= complianceMax) return reasons
  return [...reasons.slice(0, complianceMax - 1), `and ${reasons.length - complianceMax + 1} more`]
}

function countsOf(changes: readonly PackChange[]): { added: number; removed: number; changed: number } {
  const count = (which: PackChange['change']) => changes.filter(({ change }) => change === which).length
  return { added: count('added'), removed: count('removed'), changed: count('changed') }
}
