/** Which pack a command is about: a folder, whose files travel, or a version that the engine keeps. */
import { formatProblems, type PackProblem } from '../../rules/pack-problem.ts'
import { type PackFiles, packFilesOf } from '../../rules/pack-texts.ts'
import { type Client, isRecord, problemText } from './client.ts'

export type PackArgument = { readonly files: PackFiles } | { readonly version: string }

/**
 * Reads the argument: the number of a version as `proffer pack list` shows it, its hash, or a folder (`./2` is a folder).
 * null: it is none of these, which has been said on stderr.
 */
export async function readPackArgument(client: Client, text: string): Promise<PackArgument | null> {
  if (/^[0-9a-f]{64}$/.test(text)) return { version: text }
  if (/^[1-9][0-9]{0,6}$/.test(text)) {
    const reply = await client.get(`/v1/versions/${text}`)
    const hash = isRecord(reply.body) ? reply.body['hash'] : undefined
    if (reply.status === 200 && typeof hash === 'string') return { version: hash }
    process.stderr.write(`${problemText(reply)}\n`)
    return null
  }
  const problems: PackProblem[] = []
  const files = await packFilesOf(text, problems)
  if (problems.length === 0) return { files }
  process.stderr.write(`${formatProblems(problems, `proffer check ${text} --all`)}\n`)
  return null
}
