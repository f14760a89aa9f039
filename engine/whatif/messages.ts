/** What the engine and the process of a what-if say to each other. Structured clones: both are of one release. */
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack } from '../../rules/model.ts'
import type { PackProblem } from '../../rules/pack-problem.ts'
import type { PackFiles } from '../../rules/pack-texts.ts'
import type { PastPlace } from './past-of-history.ts'
import type { WhatIfReport } from './report.ts'

/** The candidate version: files, or a pack that is kept. */
export type Candidate =
  | { readonly kind: 'files'; readonly files: PackFiles }
  | { readonly kind: 'loaded'; readonly pack: LoadedPack }

export type WhatIfOrder = {
  readonly past: PastPlace
  readonly current: LoadedPack
  readonly candidate: Candidate
  readonly learned: LoadedLearned | null
  readonly salt: string
  /** Since when the first log of the installation was complete, Unix milliseconds. */
  readonly completeSince: number
  /** The window ends here; it began `days` before, and counting for the states `warmupDays` before that, null: as long as any window looks back. */
  readonly to: number
  readonly days: number
  readonly warmupDays: number | null
  readonly bankBytes: number
  /** Whether it may take longer than `askBeyondMs`. */
  readonly confirmed: boolean
  /** What a step costs the engine lately, microseconds an input; null: nothing was measured. */
  readonly liveUs: number | null
}

export const whatIfRefusals = [
  'pack_refused',
  'too_long',
  'customers_do_not_fit',
  'history_missing',
  'history_off',
  'failed',
] as const
export type WhatIfRefusal = (typeof whatIfRefusals)[number]

export type WhatIfProgress = {
  /** Inputs that went through, of about so many. */
  readonly inputs: number
  readonly of: number
  /** Milliseconds since it began, and about those that are left; null: not known yet. */
  readonly tookMs: number
  readonly leftMs: number | null
}

export type FromWhatIf =
  | { readonly kind: 'progress'; readonly progress: WhatIfProgress }
  | { readonly kind: 'done'; readonly report: WhatIfReport }
  | {
      readonly kind: 'refused'
      readonly code: WhatIfRefusal
      readonly message: string
      readonly problems: readonly PackProblem[]
    }

export type ToWhatIf = { readonly kind: 'start'; readonly order: WhatIfOrder }

/** Beyond this a what-if says how long it takes and is to be asked for again, milliseconds. */
export const askBeyondMs = 3_600_000
