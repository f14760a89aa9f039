import type { Language } from '../../rules/explain-texts.ts'
import type { Decision, Origin } from '../../sinks/decision.ts'

/** What a decision rests on, in a line: the sources and consents of what was known, and of its cause; none when nothing was known. */
export function originLines({ origins }: Decision, language: Language): readonly string[] {
  if (origins.length === 0) return []
  const words = phrases[language]
  return [`${words.restsOn}${origins.map((origin) => nameOf(origin, language)).join(words.comma)}`]
}

function nameOf({ kind, id, basis }: Origin, language: Language): string {
  const words = phrases[language]
  switch (kind) {
    case 'source':
      return basis === '' ? id : `${id} (${words.bases[basis] ?? basis})`
    case 'consent':
      return `${words.consent} ${id}`
    case 'before':
      return words.before
    case 'others':
      return words.others
  }
}

type Phrases = {
  readonly restsOn: string
  readonly comma: string
  readonly consent: string
  readonly before: string
  readonly others: string
  readonly bases: Readonly<Record<string, string>>
}

const phrases: Readonly<Record<Language, Phrases>> = {
  en: {
    restsOn: 'Rests on data of: ',
    comma: ', ',
    consent: 'consent',
    before: 'what was taken before origins were kept',
    others: 'further sources',
    bases: { legal_obligation: 'legal obligation', legitimate_interest: 'legitimate interest' },
  },
  zh: {
    restsOn: '所依据的数据来源：',
    comma: '、',
    consent: '授权',
    before: '来源记录启用前的数据',
    others: '其他来源',
    bases: {
      contract: '合同',
      consent: '客户同意',
      legal_obligation: '法定义务',
      legitimate_interest: '正当利益',
      none: '无合法依据',
    },
  },
}
