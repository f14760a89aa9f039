/** Reasons in words, in both languages. */
import { type Audience, disclosureKinds, disclosures } from './disclosures.ts'
import type { Text } from './model.ts'
import { type ReasonCode, reasons } from './reasons.ts'

export type Language = 'en' | 'zh'

/** Names of the holes a reason's text may have. */
export const reasonHoles = [
  'offer',
  'rule',
  'value',
  'limit',
  'channel',
  'placement',
  'trigger',
  'event',
  'condition',
] as const
export type ReasonHole = (typeof reasonHoles)[number]

/** What to put into the holes, already in words. Holes that are left out get a neutral word. */
export type ReasonValues = { readonly [hole in ReasonHole]?: string }

const neutral: { readonly [language in Language]: Readonly<Record<ReasonHole, string>> } = {
  en: {
    offer: 'the offer',
    rule: 'a rule of the pack',
    value: 'not recorded',
    limit: 'its limit',
    channel: 'this channel',
    placement: 'the placement',
    trigger: 'of the pack',
    event: 'this kind of event',
    condition: 'see the pack',
  },
  zh: {
    offer: '该产品',
    rule: '规则包中的规则',
    value: '未记录',
    limit: '限值',
    channel: '该渠道',
    placement: '该位置',
    trigger: '（规则包）',
    event: '此类事件',
    condition: '见规则包',
  },
}

/** The sentence for a reason. Holes without a value get a neutral word, so the sentence always reads. */
export function explainReason(code: ReasonCode, language: Language, values: ReasonValues = {}): string {
  return filled(reasons[code], language, values)
}

/** What may be said of a reason to somebody: the reason itself to staff, its kind of telling to others. */
export function tellReason(
  code: ReasonCode,
  audience: Audience,
  language: Language,
  values: ReasonValues = {},
): string {
  const text: Text = audience === 'staff' ? reasons[code] : disclosures[disclosureKinds[code]][audience]
  return filled(text, language, values)
}

function filled(text: Text, language: Language, values: ReasonValues): string {
  const sentence = text[language].replace(/\{([a-z]+)\}/g, (whole, name: string) => {
    const hole = reasonHoles.find((known) => known === name)
    return hole === undefined ? whole : (values[hole] ?? neutral[language][hole])
  })
  return language === 'en' ? sentence.charAt(0).toUpperCase() + sentence.slice(1) : sentence
}
