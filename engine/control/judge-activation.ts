/** Whether a version may be put in force, and what comes first when it may not. Pure. */
import { activatingMaxMs, approvalsMissing, type ControlState, type Version, versionOf } from './control-state.ts'
import { type ControlRefusal, done, refused, unknownVersion, type Verdict } from './verdict.ts'

/** What somebody does before a version can be put in force, in a word. */
export const firstSteps = ['approve', 'approve_again', 'propose_again', 'wait'] as const
export type FirstStep = (typeof firstSteps)[number]

/** Whether a version can be put in force now. `first`: what comes before; null: nothing. `message`: what an attempt would be told. */
export type Outlook =
  | { readonly possible: true; readonly first: null; readonly message: null }
  | { readonly possible: false; readonly first: FirstStep | null; readonly message: string }

/** What an attempt to put a version in force would come to, so that it can be told before. @param at Unix milliseconds */
export function outlookOf(state: ControlState, version: Version, at: number): Outlook {
  const verdict = judgeActivation(state, version.number, at)
  if (verdict.kind === 'done') return { possible: true, first: null, message: null }
  return { possible: false, first: firstOf(verdict.code, version), message: verdict.message }
}

function firstOf(code: ControlRefusal, version: Version): FirstStep | null {
  switch (code) {
    case 'base_changed':
    case 'not_approved':
      return isToBeApprovedAgain(version) ? 'approve_again' : 'approve'
    case 'version_settled':
      return 'propose_again'
    case 'activation_in_progress':
      return 'wait'
    default:
      return null
  }
}

/** Approvals of now do not count, or a roll-back took them. */
function isToBeApprovedAgain(version: Version): boolean {
  return version.wasInForce || approvalsMissing(version).length === 0
}

/** @param at of the record, Unix milliseconds */
export function judgeActivation(state: ControlState, number: number, at: number): Verdict {
  const version = versionOf(state, number)
  if (version === null) return unknownVersion(number)
  if (version.rejected !== null) return refused('version_settled', `Version ${number} was rejected: propose it again.`)
  if (number === state.inForce?.version) return refused('in_force_already', `Version ${number} is in force.`)
  if (version.base !== state.inForce?.version) return refused('base_changed', otherBase(state, version))
  const missing = approvalsMissing(version)
  if (missing.length > 0) {
    const lost = version.wasInForce ? 'It was in force and needs new approvals: it' : 'It'
    const waits = `${lost} waits for ${missing.join(' and ')}.`
    return refused('not_approved', `${waits} Have it approved (\`proffer pack approve ${number}\`), then activate it.`)
  }
  return judgeFree(state, at)
}

/** What it was compared with is not in force any more, so that nobody has looked at what it would change now. */
function otherBase({ inForce }: ControlState, version: Version): string {
  const { number, base } = version
  const now = inForce?.version ?? 0
  const before = base === 0 ? 'Nobody compared it with' : `It was compared with version ${base}, not with`
  const again = isToBeApprovedAgain(version) ? 'have it approved again' : 'have it approved'
  const back = inForce?.before?.version === number ? ' Or go back to it as it is: `proffer pack rollback`.' : ''
  return `${before} version ${now}, which is in force: look at \`proffer pack diff ${now} ${number}\`, ${again} (\`proffer pack approve ${number}\`), then activate it.${back}`
}

/** To the version before, which had its approvals. @param at of the record, Unix milliseconds */
export function judgeRollback(state: ControlState, number: number, at: number): Verdict {
  const before = state.inForce?.before ?? null
  if (before === null) return refused('nothing_before', 'No other version was in force before this one.')
  if (before.version !== number)
    return refused(
      'base_changed',
      'Another version was put in force meanwhile: look at `proffer pack list`, and roll back again if it is still wanted.',
    )
  return judgeFree(state, at)
}

function judgeFree({ activating }: ControlState, at: number): Verdict {
  if (activating === null || at - activating.at > activatingMaxMs) return done
  return refused(
    'activation_in_progress',
    `Version ${activating.version} is being activated by ${activating.who}: try again when that is over.`,
  )
}
