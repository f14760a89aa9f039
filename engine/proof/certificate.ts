/** What the proof of a pack came to, as a document that is kept with the pack and can be shown to an auditor. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { CompiledPack } from '../../rules/compiled.ts'
import { canonicalJson } from '../../rules/pack-hash.ts'
import { redLinesOf } from './premises.ts'
import type { GateProof, TargetProof } from './prove-gate.ts'

/** Version of the checker: changes with what the proof claims or how it looks for it. */
export const checkerVersion = 'gate-1'

const guardedBy = z.strictObject({
  reason: z.string(),
  /** Guardrails with this reason that hold offers of the category, and the roles that may open one of them. */
  guardrails: z.array(z.string()),
  openedBy: z.array(z.string()),
})

const offersProof = z.strictObject({
  placement: z.string(),
  channel: z.string(),
  category: z.string(),
  class: z.string(),
  riskGrade: z.number().nullable(),
  offers: z.array(z.string()),
  /** Guardrails and allows of the pack that hold them there. */
  guardrails: z.array(z.string()),
  allows: z.array(z.string()),
  cases: z.number(),
  forbidden: z.number(),
  /** Cases in which they leave; 0: they never do. */
  open: z.number(),
})

/** A certificate as it is stored and printed. */
export const certificateSchema = z.strictObject({
  certificate: z.literal(1),
  checker: z.string(),
  pack: z.strictObject({ name: z.string(), hash: z.string() }),
  verdict: z.enum(['proven', 'refuted', 'too_large']),
  /** Whether every customer there can be is like one that was looked at; if not, `gaps` says where. */
  complete: z.boolean(),
  gaps: z.array(z.string()),
  cases: z.number(),
  forbidden: z.number(),
  open: z.number(),
  /** Every guardrail of the pack; `openedBy` null: no role opens it. */
  guardrails: z.array(z.strictObject({ id: z.string(), reason: z.string(), openedBy: z.string().nullable() })),
  redLines: z.array(z.strictObject({ category: z.string(), guardedBy: z.array(guardedBy) })),
  offers: z.array(offersProof),
  /** sha-256, in hex, of all the rest as canonical JSON. */
  hash: z.string(),
})
export type Certificate = z.infer<typeof certificateSchema>

/** The certificate of a proof. The same pack and checker give the same one, byte for byte. */
export function certificateOf(pack: CompiledPack, proof: GateProof): Certificate {
  const { model, hash } = pack.loaded
  const said: Omit<Certificate, 'hash'> = {
    certificate: 1,
    checker: checkerVersion,
    pack: { name: model.name, hash },
    verdict: proof.verdict,
    complete: proof.verdict !== 'too_large' && proof.gaps.length === 0,
    gaps: [...proof.gaps, ...proof.tooLarge],
    cases: proof.cases,
    forbidden: proof.forbidden,
    open: proof.open,
    guardrails: model.guardrails.map(({ id, reason, override }) => ({
      id,
      reason,
      openedBy: override === 'never' ? null : override.role,
    })),
    redLines: model.categories.map((category) => ({ category, guardedBy: guardsOf(pack, proof, category) })),
    offers: proof.targets.map(offersOf),
  }
  return { ...said, hash: hashOfCertificate(said) }
}

/** The hash of what a certificate says. */
export function hashOfCertificate(certificate: Omit<Certificate, 'hash'> & { readonly hash?: string }): string {
  const { hash: _, ...said } = certificate
  return createHash('sha256').update(canonicalJson(said)).digest('hex')
}

/** Under which name the store keeps the certificate of a pack, beside the pack. */
export function certificateName(packHash: string): string {
  return `${packHash}-${checkerVersion}`
}

function guardsOf(
  pack: CompiledPack,
  proof: GateProof,
  category: string,
): Certificate['redLines'][number]['guardedBy'] {
  const { model } = pack.loaded
  const targets = proof.targets
    .map(({ target }) => target)
    .filter(({ offers }) => offers[0].model.categories.includes(category))
  const reasons = new Set([...(model.guardedBy[category] ?? []), ...targets.flatMap((one) => redLinesOf(model, one))])
  return [...reasons].sort().map((reason) => {
    const guardrails = model.guardrails.filter(
      (one) =>
        one.reason === reason && targets.some((target) => target.guardrails.some(({ model: own }) => own === one)),
    )
    const roles = guardrails.flatMap(({ override }) => (override === 'never' ? [] : [override.role]))
    return { reason, guardrails: guardrails.map(({ id }) => id), openedBy: [...new Set(roles)].sort() }
  })
}

function offersOf({ target, cases, forbidden, open }: TargetProof): Certificate['offers'][number] {
  const { category, class: messageClass, riskGrade } = target.offers[0].model
  return {
    placement: target.placement.id,
    channel: target.placement.channel,
    category,
    class: messageClass,
    riskGrade,
    offers: target.offers.map(({ id }) => id),
    guardrails: target.guardrails.map(({ model }) => model.id),
    allows: target.allows.map(({ model }) => model.id),
    cases,
    forbidden,
    open,
  }
}
