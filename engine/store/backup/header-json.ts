import { z } from 'zod'
import { damaged } from './backup-error.ts'
import { jsonOf } from './backup-tally.ts'

const Header = z.looseObject({ seq: z.number().int().nonnegative() })

/**
 * The seq of a backup's header and all else it says: whatever a release keeps in a header passes through a backup.
 * @throws BackupError `backup_damaged`
 */
export function headerOf(json: string): { readonly seq: number; readonly rest: Readonly<Record<string, unknown>> } {
  const header = Header.safeParse(jsonOf(json))
  if (!header.success) throw damaged('partitions.proffer', 'a header is not one')
  const { seq, ...rest } = header.data
  return { seq, rest }
}
