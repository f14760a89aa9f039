/** The rules of governance. Pure: the same records give the same state and the same verdicts, on every node. */
import type { ControlAction, ControlRecord } from './control-record.ts'
import {
  type Activating,
  type Approval,
  type ControlState,
  givenUpMax,
  keysMax,
  type Version,
  versionOf,
} from './control-state.ts'
import { judgeActivation, judgeRollback } from './judge-activation.ts'
import { engineNames, ownerName, type Role } from './roles.ts'
import { done, refused, unknownVersion, type Verdict } from './verdict.ts'

export type Folded = { readonly state: ControlState; readonly verdict: Verdict }

/** The state after a record, and whether the record was allowed. @param head the hash of the record's bytes */
export function fold(state: ControlState, record: ControlRecord, head: string): Folded {
  const counted = { ...state, number: record.number, head }
  const { who, roles, why, at, what } = record
  const verdict = judge(state, record)
  if (verdict.kind === 'refused') return { state: counted, verdict }
  return { state: { ...counted, ...changeOf(state, what, { who, roles, why, at }, record.number) }, verdict }
}

function judge(state: ControlState, record: ControlRecord): Verdict {
  const { what, who } = record
  const may = (...needed: readonly Role[]): Verdict | null =>
    record.isOwner || needed.some((role) => record.roles.includes(role))
      ? null
      : refused('role_missing', `It takes ${needed.join(' or ')}.`)
  switch (what.action) {
    case 'key_created':
    case 'key_revoked':
      return record.isOwner ? judgeKey(state, what) : refused('not_owner', 'Only the owner makes and revokes keys.')
    case 'version_first':
      return state.versions.length === 0 ? done : refused('begun_already', 'The first version is recorded already.')
    case 'version_at_start':
      return state.versions.length > 0 ? done : refused('not_begun', 'No version is recorded yet.')
    case 'version_proposed':
      return may('author') ?? judgeProposal(state, what)
    case 'version_approved':
      return may('approver', 'compliance') ?? judgeApproval(state, what, who, record.roles)
    case 'version_rejected':
      return may('approver', 'compliance') ?? judgeRejection(state, what.version)
    case 'activating':
      return what.how === 'activate'
        ? (may('operator', 'approver') ?? judgeActivation(state, what.version, record.at))
        : (may('operator', 'approver', 'compliance') ?? judgeRollback(state, what.version, record.at))
    case 'activated':
    case 'activation_failed':
      return endedBy(state, what) === null
        ? refused('no_activation', `Version ${what.version} is not being activated.`)
        : done
    case 'source_revoked':
      return may('compliance', 'operator') ?? judgeSource(state, what)
    case 'source_restored':
      // It opens what was closed: whoever may only close it does not.
      return may('compliance') ?? judgeSource(state, what)
    case 'call_refused':
      return done
    default:
      return what satisfies never
  }
}

type Of<A extends ControlAction['action']> = Extract<ControlAction, { action: A }>

function judgeKey(state: ControlState, what: Of<'key_created'> | Of<'key_revoked'>): Verdict {
  if (what.action === 'key_revoked') {
    const known = [...state.keys.values()].some(({ name }) => name === what.name)
    return known ? done : refused('key_unknown', 'No key has this name.')
  }
  if (what.name === ownerName) return refused('name_taken', `${ownerName} is the name of the first key.`)
  if (engineNames.includes(what.name)) return refused('name_taken', 'The engine itself acts under this name.')
  if (state.keys.has(what.digest)) return refused('name_taken', 'This key is known already.')
  if (state.keys.size >= keysMax) return refused('too_many_keys', `At most ${keysMax} keys: revoke some first.`)
  return done
}

function judgeProposal(state: ControlState, { hash, files, base }: Of<'version_proposed'>): Verdict {
  if (state.inForce === null) return refused('not_begun', 'No version is in force yet.')
  if (base !== state.inForce.version)
    return refused('base_changed', 'Another version was put in force meanwhile: propose again.')
  const same = state.versions.find(
    (version) => version.rejected === null && version.hash === hash && version.files === files,
  )
  return same === undefined
    ? done
    : refused(
        'version_known',
        `This is version ${same.number}, byte for byte, so it needs no proposal: see \`proffer pack show ${same.number}\`.`,
      )
}

function judgeApproval(
  state: ControlState,
  { version: number, base, compliance }: Of<'version_approved'>,
  who: string,
  roles: readonly Role[],
): Verdict {
  const version = versionOf(state, number)
  if (version === null) return unknownVersion(number)
  if (version.rejected !== null) return refused('version_settled', `Version ${number} was rejected: propose it again.`)
  if (number === state.inForce?.version) return refused('in_force_already', `Version ${number} is in force.`)
  if (version.author === who) return refused('own_version', 'Nobody approves what they proposed.')
  if (base !== state.inForce?.version)
    return refused('base_changed', 'Another version was put in force meanwhile: look again, and approve again.')
  if (compliance.length === 0 && !roles.includes('approver'))
    return refused('approval_not_needed', 'Nothing in it is for compliance: an approver approves it.')
  const given = version.base === base ? version.approvals : []
  return given.some((approval) => approval.who === who)
    ? refused('approved_already', 'One person approves once, whatever roles they have.')
    : done
}

function judgeRejection(state: ControlState, number: number): Verdict {
  const version = versionOf(state, number)
  if (version === null) return unknownVersion(number)
  if (version.rejected !== null) return refused('version_settled', `Version ${number} was rejected already.`)
  if (state.activating?.version === number)
    return refused('activation_in_progress', `Version ${number} is being put in force: roll back when it is.`)
  if (version.wasInForce) return refused('version_settled', `Version ${number} was in force: roll back instead.`)
  return done
}

function judgeSource(state: ControlState, { action, source }: Of<'source_revoked'> | Of<'source_restored'>): Verdict {
  if (state.revokedSources.has(source) !== (action === 'source_revoked')) return done
  return refused('source_as_said', action === 'source_revoked' ? 'It is revoked already.' : 'It is not revoked.')
}

function changeOf(state: ControlState, what: ControlAction, by: Approval, record: number): Partial<ControlState> {
  switch (what.action) {
    case 'key_created': {
      const { name, keyRoles, digest } = what
      return { keys: new Map(state.keys).set(digest, { name, roles: keyRoles, digest, at: by.at }) }
    }
    case 'key_revoked':
      return { keys: new Map([...state.keys].filter(([, { name }]) => name !== what.name)) }
    case 'version_first':
    case 'version_at_start': {
      const version = { ...newVersion(state, what, by), wasInForce: true }
      return {
        versions: [...state.versions, version],
        givenUp: [],
        inForce: { version: version.number, at: by.at, before: state.inForce },
      }
    }
    case 'version_proposed': {
      const { base, compliance, changed } = what
      return { versions: [...state.versions, { ...newVersion(state, what, by), base, compliance, changed }] }
    }
    case 'version_approved': {
      const { base, compliance } = what
      return changed(state, what.version, (version) => ({
        base,
        compliance,
        approvals: [...(version.base === base ? version.approvals : []), by],
      }))
    }
    case 'version_rejected':
      return changed(state, what.version, () => ({ rejected: by }))
    case 'activating': {
      const { version, how, node = null } = what
      return { activating: { version, how, who: by.who, at: by.at, record, node }, givenUp: givenUp(state) }
    }
    case 'activated': {
      const ended = endedBy(state, what)
      const isRollback = ended?.how === 'rollback'
      return {
        ...changed(isRollback ? withdrawn(state) : state, what.version, () => ({ wasInForce: true })),
        // Another one may be under way by now.
        activating: ended === state.activating ? null : state.activating,
        givenUp: [],
        inForce: nextInForce(state, { version: what.version, at: by.at, isRollback }),
      }
    }
    case 'activation_failed':
      return { activating: null, givenUp: givenUp(state) }
    case 'source_revoked':
      return { revokedSources: new Map(state.revokedSources).set(what.source, by) }
    case 'source_restored':
      return { revokedSources: new Map([...state.revokedSources].filter(([source]) => source !== what.source)) }
    case 'call_refused':
      return {}
    default:
      return what satisfies never
  }
}

/**
 * The activation that an outcome is of; null: of none. One that another node took for gone may have been on its last step: as long as nothing else
 * came into force, its own node says that it is in force after all.
 */
function endedBy(
  { activating, givenUp: before }: ControlState,
  { action, version, begun }: Of<'activated'> | Of<'activation_failed'>,
): Activating | null {
  const isIt = (one: Activating) => one.version === version && (begun === undefined || begun === one.record)
  if (activating !== null && isIt(activating)) return activating
  const mayComeLate = action === 'activated' && begun !== undefined
  return mayComeLate ? (before.findLast(isIt) ?? null) : null
}

function givenUp({ activating, givenUp: before }: ControlState): readonly Activating[] {
  return activating === null ? before : [...before, activating].slice(-givenUpMax)
}

/** What is rolled back has lost its approvals: it is approved again before it comes back. */
function withdrawn(state: ControlState): Pick<ControlState, 'versions'> {
  return state.inForce === null ? state : changed(state, state.inForce.version, () => ({ approvals: [] }))
}

/** A roll-back takes a version off the pile, so that the next one goes further back. */
function nextInForce(
  { inForce }: ControlState,
  { version, at, isRollback }: { readonly version: number; readonly at: number; readonly isRollback: boolean },
): ControlState['inForce'] {
  return { version, at, before: isRollback ? (inForce?.before?.before ?? null) : inForce }
}

function newVersion(
  state: ControlState,
  { name, hash, files }: { readonly name: string; readonly hash: string; readonly files: string | null },
  { who, at, why }: Approval,
): Version {
  return {
    number: state.versions.length + 1,
    name,
    hash,
    files,
    author: who,
    at,
    why,
    base: state.inForce?.version ?? 0,
    compliance: [],
    changed: null,
    approvals: [],
    rejected: null,
    wasInForce: false,
  }
}

function changed(
  { versions }: Pick<ControlState, 'versions'>,
  number: number,
  change: (version: Version) => Partial<Version>,
): Pick<ControlState, 'versions'> {
  return {
    versions: versions.map((version) => (version.number === number ? { ...version, ...change(version) } : version)),
  }
}
