import type { CompiledPack } from '../../rules/compiled.ts'
import type { FunnelTables } from '../step/funnel/tables.ts'
import { type Certificate, certificateOf } from './certificate.ts'
import { counterexampleWords } from './counterexample-words.ts'
import { type ProofLimits, proveGate } from './prove-gate.ts'

export type Certified = {
  readonly certificate: Certificate
  /** Customers for whom something forbidden leaves, each in words. */
  readonly counterexamples: readonly string[]
}

/** Proves a pack and writes its certificate. Pure; a second of one core for a pack of the usual size, see `proofLimits`. */
export function certify(pack: CompiledPack, limits?: ProofLimits, tables?: FunnelTables): Certified {
  const proof = proveGate(pack, limits, tables)
  return {
    certificate: certificateOf(pack, proof),
    counterexamples: proof.counterexamples.map((found) => counterexampleWords(pack, found)),
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
