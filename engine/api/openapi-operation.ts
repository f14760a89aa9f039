import type { z } from 'zod'

/** What the API's description says of one call. */
export type Operation = {
  readonly method: 'get' | 'post'
  readonly path: string
  readonly summary: string
  readonly open?: boolean
  readonly body?: z.ZodType
  readonly bodyTypes?: readonly string[]
  readonly answer?: z.ZodType
  readonly answers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly pathParts?: Readonly<Record<string, string>>
}
