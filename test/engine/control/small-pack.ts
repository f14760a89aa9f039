/** A sound pack of a few rules with scenarios that play in no time, for tests that propose many versions. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { PackFiles } from '../../../rules/pack-texts.ts'

export type SmallPack = {
  /** Priority of the deposit: a change that is nobody's but the business's. */
  readonly priority?: number
  /** How long the bank keeps silent after a bereavement: a change for compliance. */
  readonly silence?: string
  /** What the deposit is expected to be in a scenario; another offer makes it fail. */
  readonly expected?: string
}

export function smallPack({ priority = 10, silence = '90d', expected = 'deposit' }: SmallPack = {}): PackFiles {
  return {
    'pack.yaml': `name: small
description: A pack of a few rules
zone: Europe/Rome
currency: EUR
categories:
  - { id: savings, guardedBy: [bereavement] }
  - { id: safety, guardedBy: [] }
`,
    'sources.yaml': `sources:
  - { id: core-banking, lawfulBasis: contract, purposes: [service, marketing] }
`,
    'profile.yaml': `attributes:
  - id: riskGrade
    type: enum
    values: [conservative, steady, balanced, aggressive]
    setBy: [{ event: profile.updated, field: riskGrade }]
`,
    'features.yaml': 'features: []\n',
    'guardrails.yaml': `guardrails:
  - id: silence
    reason: bereavement
    text: { en: Silence after a bereavement, zh: 丧亲期间不打扰 }
    closes: { categories: [savings] }
    suppression:
      event: life_event.reported
      where: event.kind == "bereavement" && !event.resolved
      for: ${silence}
`,
    'offers.yaml': `offers:
  - id: deposit
    title: { en: A deposit, zh: 存款 }
    category: savings
    class: service
    contentType: card
    channels: [in_app]
    priority: ${priority}
    validFor: 24h
  - id: tips
    title: { en: Security tips, zh: 安全提示 }
    category: safety
    class: service
    contentType: card
    channels: [in_app]
    validFor: 24h
`,
    'triggers.yaml': 'triggers: []\n',
    'placements.yaml': `channels:
  - { id: in_app, contact: false }
placements:
  - { id: home, channel: in_app, direction: inbound, contentTypes: [card], fallback: tips }
`,
    'contact.yaml': 'caps: []\n',
    'arbitration.yaml': `suitability:
  attribute: riskGrade
  allows: { conservative: 1, steady: 2, balanced: 3, aggressive: 5 }
  whenUnknown: 1
arbitration:
  classes: [regulatory, service, marketing]
  nothing: 0.05
`,
    'scenarios/deposit.yaml': `name: A customer is offered a deposit, and none in a time of mourning
start: 2026-03-02T10:00+01:00
steps:
  - { request: home }
  - expect: { placement: home, offered: ${expected} }
  - { event: life_event.reported, data: { kind: bereavement, resolved: false }, after: 1h }
  - { request: home, after: 1h }
  - expect: { fallback: tips, not offered: { deposit: bereavement } }
  - { request: home, after: 400d }
  - expect: { placement: home, offered: deposit }
`,
  }
}

/** Writes a pack to a folder. */
export async function writePack(dir: string, files: PackFiles): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), text)
  }
}
