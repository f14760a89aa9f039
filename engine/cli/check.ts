/** `proffer check PACK`: is this rule pack sound, and can nothing that it forbids leave? */
import { writeFile } from 'node:fs/promises'
import { compilePack } from '../../rules/compile-pack.ts'
import { loadPack } from '../../rules/load-pack.ts'
import { formatProblems } from '../../rules/pack-problem.ts'
import { type Certificate, certificateSchema, hashOfCertificate } from '../proof/certificate.ts'
import { type Certified, certificateWords, certify } from '../proof/certify.ts'
import { type Client, problemText } from './client.ts'

export type CheckOptions = {
  readonly json: boolean
  /** File to write the certificate to. */
  readonly certificate: string | undefined
}

/**
 * Prints every problem with file, line, rule and reason, then what was proven; exit code 0 when the pack is sound and
 * proven, 1 when it is not.
 */
export async function checkPackFolder(folder: string, options: CheckOptions): Promise<number> {
  const result = await loadPack(folder)
  if (result.kind === 'refused') {
    if (options.json) process.stdout.write(`${JSON.stringify({ kind: result.kind, problems: result.problems })}\n`)
    else {
      process.stdout.write(`${formatProblems(result.problems)}\n`)
      process.stderr.write(`\nThe pack is refused: ${result.problems.length} problem(s).\n`)
    }
    return 1
  }
  const certified = certify(compilePack(result.pack))
  const { certificate } = certified
  if (options.certificate !== undefined)
    await writeFile(options.certificate, `${JSON.stringify(certificate, null, 2)}\n`)
  const proven = certificate.verdict === 'proven'
  if (options.json) {
    const { kind, pack, warnings } = result
    const answer = { kind: proven ? kind : 'unproven', hash: pack.hash, warnings, ...certified }
    process.stdout.write(`${JSON.stringify(answer)}\n`)
    return proven ? 0 : 1
  }
  const { model, hash } = result.pack
  if (result.warnings.length > 0) process.stdout.write(`${formatProblems(result.warnings)}\n`)
  process.stdout.write(
    `${model.name} is sound: ${model.features.length} features, ${model.triggers.length} triggers, ` +
      `${model.guardrails.length} guardrails, ${model.offers.length} offers, ${model.placements.length} placements.\n` +
      `version ${hash}\n${proofText(certified)}\n`,
  )
  if (!proven) process.stderr.write('\nThe pack is refused: it is not proven that nothing forbidden leaves.\n')
  return proven ? 0 : 1
}

/** Shows the certificate that was kept when a pack was put in force; exit code 1 when there is none or it was changed since. */
export async function showStoredCertificate(client: Client, hash: string, options: CheckOptions): Promise<number> {
  const reply = await client.get(`/v1/packs/${encodeURIComponent(hash)}/certificate`)
  if (reply.status !== 200) {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  const certificate = certificateSchema.parse(reply.body)
  if (options.certificate !== undefined)
    await writeFile(options.certificate, `${JSON.stringify(certificate, null, 2)}\n`)
  const fits = hashOfCertificate(certificate) === certificate.hash
  if (options.json) process.stdout.write(`${JSON.stringify(certificate)}\n`)
  else process.stdout.write(`${certificate.pack.name}, version ${hash}\n${storedText(certificate)}\n`)
  if (!fits) process.stderr.write('The certificate was changed after it was written: its hash does not fit.\n')
  return fits ? 0 : 1
}

function proofText({ certificate, counterexamples }: Certified): string {
  return [...certificateWords(certificate), ...counterexamples.map((words) => `! ${words}`)].join('\n')
}

function storedText(certificate: Certificate): string {
  const lines = certificate.redLines.map(({ category, guardedBy }) => {
    const reasons = guardedBy.map(({ reason, openedBy }) =>
      openedBy.length === 0 ? reason : `${reason} (${openedBy.join(', ')} may open)`,
    )
    return `  ${category}: ${reasons.length === 0 ? 'nothing' : reasons.join(', ')}`
  })
  return [...certificateWords(certificate), 'Red lines, by category:', ...lines].join('\n')
}
