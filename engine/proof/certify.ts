import type { CompiledPack } from '../../rules/compiled.ts'
import type { PackProblem } from '../../rules/pack-problem.ts'
import type { FunnelTables } from '../step/funnel/tables.ts'
import { type Certificate, certificateOf } from './certificate.ts'
import { counterexampleWords } from './counterexample-words.ts'
import { type OnProof, type ProofLimits, proveGate } from './prove-gate.ts'

export type Certified = {
  readonly certificate: Certificate
  /** Customers for whom something forbidden leaves, each in words. */
  readonly counterexamples: readonly string[]
  /** The same as findings of the check, at the offers that leave; and what has too many cases to be looked at. */
  readonly findings: readonly PackProblem[]
}

/** Proves a pack and writes its certificate. Pure; a second of one core for a pack of the usual size, see `proofLimits`. */
export function certify(pack: CompiledPack, limits?: ProofLimits, tables?: FunnelTables, onProof?: OnProof): Certified {
  const proof = proveGate(pack, limits, tables, onProof)
  const counterexamples = proof.counterexamples.map((found) => counterexampleWords(pack, found))
  return {
    certificate: certificateOf(pack, proof),
    counterexamples,
    findings: [
      ...proof.counterexamples.map(({ target }, i): PackProblem => {
        const { id, model } = target.offers[0]
        const message = 'Something that the pack forbids can leave. Widen what must stop it, or withdraw the offer.'
        return { ...model.place, rule: id, code: 'forbidden_leaves', message, counterexample: counterexamples[i] }
      }),
      ...proof.tooLarge.map((message): PackProblem => {
        const { name } = pack.loaded.model
        return { file: 'guardrails.yaml', line: 1, rule: name, code: 'proof_too_large', message }
      }),
    ],
  }
}

/** What a certificate says, a sentence each. */
export function certificateWords(certificate: Certificate): readonly string[] {
  const { verdict, cases, forbidden, complete, gaps, checker, hash } = certificate
  const number = (value: number) => value.toLocaleString('en-US')
  const looked = `${number(cases)} cases were looked at, in ${number(forbidden)} of them something forbids`
  const verdicts = {
    proven: `Nothing forbidden can leave: ${looked}, and the final gate alone stops all of those.`,
    refuted: `Something forbidden can leave: ${looked}, and the final gate does not stop all of those.`,
    too_large: `It is not proven that nothing forbidden can leave: ${looked}, but there are more.`,
  }
  return [
    verdicts[verdict],
    complete
      ? 'The proof is complete: every customer there can be is like one of these.'
      : 'The proof is not complete:',
    ...gaps.map((gap) => `- ${gap}`),
    `certificate ${hash} (${checker})`,
  ]
}
