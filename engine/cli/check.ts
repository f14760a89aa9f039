/** `proffer check PACK`: is this rule pack sound, and can nothing that it forbids leave? */
import { writeFile } from 'node:fs/promises'
import { certaintyOf, certaintySummary, checkLines, checks } from '../../rules/check/checks.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import { loadPack } from '../../rules/load-pack.ts'
import { formatProblems, type PackProblem, packProblemCodes } from '../../rules/pack-problem.ts'
import { someLines } from '../../rules/some-lines.ts'
import { type Certificate, certificateSchema, hashOfCertificate } from '../proof/certificate.ts'
import { type Certified, certificateWords, certify } from '../proof/certify.ts'
import { type Client, problemText } from './client.ts'

/** In JSON: the checks by how sure one may be of them. */
const certainty = {
  complete: packProblemCodes.filter((code) => certaintyOf(code) === 'complete'),
  bestEffort: packProblemCodes.filter((code) => certaintyOf(code) === 'best_effort'),
}

export type CheckOptions = {
  readonly json: boolean
  /** Every finding, however many there are; without it the first ones. JSON has all. */
  readonly all: boolean
  /** File to write the certificate to. */
  readonly certificate: string | undefined
}

/** Prints every check: its code, whether it finds all there is, what it finds. */
export function listChecks(json: boolean): number {
  const listed = packProblemCodes.map((code) => ({ code, ...checks[code] }))
  process.stdout.write(json ? `${JSON.stringify({ checks: listed })}\n` : `${checkLines().join('\n')}\n`)
  return 0
}

const everyMs = 250

/** How far the proof is, on stderr when that is a terminal. Nothing catches Ctrl-C meanwhile, so that it ends the command at once. */
function proofLine(isQuiet: boolean): { update(done: number, all: number): void; done(): void } {
  const { stderr } = process
  if (isQuiet || !stderr.isTTY) return { update: () => {}, done: () => {} }
  let toldAt = performance.now()
  let hasTold = false
  return {
    update(done, all) {
      const now = performance.now()
      if (now - toldAt < everyMs) return
      toldAt = now
      hasTold = true
      stderr.write(`\rproof: ${done} of ${all} kinds of offers and placements   `)
    },
    done() {
      if (hasTold) stderr.write('\r\u001b[K')
    },
  }
}

/** Findings as JSON tells them: each with how sure one may be that there are no more of its kind. */
function told(problems: readonly PackProblem[]): readonly (PackProblem & { readonly certainty: string })[] {
  return problems.map((problem) => ({ ...problem, certainty: certaintyOf(problem.code) }))
}

/**
 * Prints every problem with file, line, rule and reason, then what was proven; exit code 0 when the pack is sound and
 * proven, 1 when it is not.
 */
export async function checkPackFolder(folder: string, options: CheckOptions): Promise<number> {
  const result = await loadPack(folder, Date.now())
  const how = options.all ? null : `proffer check ${folder} --all`
  if (result.kind === 'refused') {
    if (options.json)
      process.stdout.write(`${JSON.stringify({ kind: result.kind, problems: told(result.problems), certainty })}\n`)
    else {
      process.stdout.write(`${formatProblems(result.problems, how)}\n`)
      process.stderr.write(`\nThe pack is refused: ${result.problems.length} problem(s).\n`)
      process.stdout.write(`\n${certaintySummary()}\n`)
    }
    return 1
  }
  const progress = proofLine(options.json)
  const certified = certify(compilePack(result.pack), undefined, undefined, progress.update)
  progress.done()
  const { certificate } = certified
  if (options.certificate !== undefined)
    await writeFile(options.certificate, `${JSON.stringify(certificate, null, 2)}\n`)
  const proven = certificate.verdict === 'proven'
  if (options.json) {
    const { kind, pack, warnings } = result
    const { counterexamples } = certified
    const findings = told(certified.findings)
    const answer = { kind: proven ? kind : 'unproven', hash: pack.hash, warnings: told(warnings), findings, certainty }
    process.stdout.write(`${JSON.stringify({ ...answer, certificate, counterexamples })}\n`)
    return proven ? 0 : 1
  }
  const { model, hash } = result.pack
  if (result.warnings.length > 0) process.stdout.write(`${formatProblems(result.warnings, how)}\n`)
  process.stdout.write(
    `${model.name} is sound: ${model.features.length} features, ${model.triggers.length} triggers, ` +
      `${model.guardrails.length} guardrails, ${model.offers.length} offers, ${model.placements.length} placements.\n` +
      `version ${hash}\n${proofText(certified, how)}\n${certaintySummary()}\n`,
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

function proofText({ certificate, counterexamples }: Certified, how: string | null): string {
  const shown = counterexamples.map((words) => `! ${words}`)
  return [...certificateWords(certificate), ...someLines(shown, how)].join('\n')
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
