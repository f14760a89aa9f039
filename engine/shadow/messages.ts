/** What the engine and the process of a shadow say to each other. */
import type { WhatIfOrder } from '../whatif/messages.ts'

export type ShadowOrder = Omit<WhatIfOrder, 'days' | 'warmupDays' | 'confirmed' | 'liveUs' | 'to'> & {
  readonly run: string
  /** Since when its decisions count, Unix milliseconds. */
  readonly startedAt: number
}

export type ToShadow =
  | { readonly kind: 'start'; readonly order: ShadowOrder }
  /** History is complete up to here, Unix milliseconds. */
  | { readonly kind: 'until'; readonly at: number }

export type FromShadow =
  /** It has gone through everything before `at`. */
  | {
      readonly kind: 'progress'
      readonly version: string
      readonly at: number
      readonly decisions: number
      readonly differences: number
      readonly customers: number
    }
  | {
      readonly kind: 'refused'
      readonly message: string /** Whether trying again is of no use. */
      readonly final: boolean
    }
