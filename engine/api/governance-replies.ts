/** What governance answers, as HTTP. */

import type { ControlRefusal } from '../control/verdict.ts'
import type { NotWorked } from '../control/versions.ts'
import { StoreError } from '../store/store.ts'
import type { CheckReport } from '../workshop/pack-report.ts'
import { type HttpReply, type HttpRequest, later, problem, type Route } from './http.ts'

/** A handler whose log or store may not answer: then it is not known whether the call is recorded. */
export function governed(work: (request: HttpRequest) => Promise<HttpReply>): Route['handle'] {
  return later(async (request) => {
    try {
      return await work(request)
    } catch (cause) {
      if (cause instanceof StoreError) return problem('store_unavailable', 'Ask again in a moment.')
      const code = cause instanceof Error && 'code' in cause ? cause.code : ''
      const message = cause instanceof Error ? cause.message : ''
      switch (code) {
        case 'control_broken':
          return problem('control_broken', `${message} See \`proffer audit --verify\`. Decisions go on.`)
        case 'control_busy':
          return problem('busy', message)
        case 'log_full':
          return problem('log_full', 'Free disk, and try again.')
        case 'log_unavailable':
          return problem('log_unavailable', 'Whether it is recorded is not known: see `proffer audit`, then try again.')
        case 'log_closed':
          return problem('stopping', 'Retry on another node or in a moment.')
        default:
          throw cause
      }
    }
  })
}

/** The answer to what the rules forbid. It is in the audit. */
export function refusedReply({
  code,
  message,
}: {
  readonly code: ControlRefusal
  readonly message: string
}): HttpReply {
  const extra = { reason: code }
  if (code === 'key_revoked') return problem('key_revoked', message)
  if (code === 'role_missing' || code === 'not_owner') return problem('role_missing', message, extra)
  if (code === 'version_unknown' || code === 'key_unknown') return problem('not_found', message, extra)
  return problem('governance_refused', `${code}: ${message}`, extra)
}

/** The answer to a pack that the check refuses, or that is not proven, with what the check says. */
export function unsoundReply(report: CheckReport): HttpReply {
  return problem('pack_refused', 'It is not sound, or not proven: `proffer check` prints why.', {
    report,
  })
}

/** The answer when the workshop has no result. */
export function notWorkedReply({ kind }: NotWorked): HttpReply {
  switch (kind) {
    case 'busy':
      return problem('busy', 'Other packs are being worked on. Try again in a minute.')
    case 'stopping':
      return problem('stopping', 'Retry on another node or in a moment.')
    case 'too_long':
      return problem(
        'pack_refused',
        'It could not be worked on within 5 minutes, waiting included. Try again, or make the pack smaller.',
      )
    case 'too_large':
      return problem('pack_refused', 'It needs more memory than the workshop has: make the pack smaller.')
    default:
      return kind satisfies never
  }
}
