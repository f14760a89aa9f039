/**
 * Words that no text for a customer may use to say why something is not offered: each tells, or lets guess, what the bank infers of
 * them. One closed list. It is about reasons: what a product is called may well be "Student account" or "Critical illness cover".
 */
import type { Language } from './explain-texts.ts'

/** English: whole words, with `*` any word that begins so, upper and lower case alike. Chinese: wherever it occurs. */
export const sensitiveWords: Readonly<Record<Language, readonly string[]>> = {
  en: [
    // Work and money.
    ...[
      'unemploy*',
      'jobless*',
      'job',
      'jobs',
      'redundan*',
      'employ*',
      'new position',
      'laid off',
      'dismissal',
      'income',
      'salary',
      'wage',
      'wages',
    ],
    ...[
      'hardship*',
      'financial difficult*',
      'trouble to pay',
      'unable to pay',
      'afford',
      'overdue',
      'arrears',
      'debt*',
    ],
    ...[
      'in default',
      'defaulted',
      'delinquen*',
      'insolven*',
      'bankrupt*',
      'overindebted*',
      'creditworth*',
      'poor',
      'poverty',
    ],
    // Life.
    ...[
      'bereave*',
      'mourn*',
      'grief',
      'griev*',
      'death',
      'dead',
      'died',
      'deceased',
      'funeral',
      'widow*',
      'loss of',
      'your loss',
      'condolence*',
    ],
    ...['ill', 'illness*', 'sick*', 'disease*', 'hospital*', 'medical*', 'health', 'diagnos*', 'disab*', 'pregnan*'],
    ...['divorc*', 'separated', 'separation', 'marriage', 'marital', 'spouse', 'custody'],
    ...['minor', 'minors', 'under age', 'underage', 'child', 'children', 'too young', 'too old', 'age', 'student*'],
    ...['vulnerab*', 'victim*', 'addict*', 'gambl*', 'religio*', 'ethnic*', 'politic*', 'nationality', 'gender'],
    // What is going on between the customer and the bank.
    ...['complain*', 'disput*', 'lawsuit*', 'court', 'fraud*', 'suspicio*', 'sanction*', 'blacklist*', 'blocked'],
    // How the bank decides.
    ...[
      'score*',
      'scoring',
      'propensit*',
      'profiling',
      'predict*',
      'probab*',
      'likelihood',
      'risk grade*',
      'risk group*',
    ],
    ...['holdout*', 'held out', 'control group*', 'comparison group*', 'experiment*', 'guardrail*', 'suppress*'],
  ],
  zh: [
    ...[
      '失业',
      '待业',
      '下岗',
      '裁员',
      '无业',
      '收入',
      '工资',
      '薪',
      '困难',
      '贫',
      '无力',
      '逾期',
      '欠',
      '债',
      '违约',
      '破产',
    ],
    ...[
      '信用不',
      '去世',
      '逝',
      '死',
      '丧',
      '亡',
      '哀',
      '葬',
      '静默期',
      '病',
      '疾',
      '患',
      '住院',
      '医',
      '健康',
      '残',
      '孕',
    ],
    ...[
      '离婚',
      '分居',
      '婚',
      '配偶',
      '抚养',
      '未成年',
      '年龄',
      '年幼',
      '年老',
      '儿童',
      '学生',
      '在校',
      '弱势',
      '脆弱',
      '受害',
    ],
    ...[
      '成瘾',
      '赌',
      '宗教',
      '民族',
      '政治',
      '国籍',
      '性别',
      '投诉',
      '争议',
      '纠纷',
      '诉讼',
      '法院',
      '欺诈',
      '可疑',
      '制裁',
    ],
    ...[
      '黑名单',
      '冻结',
      '得分',
      '评分',
      '打分',
      '倾向',
      '画像',
      '预测',
      '概率',
      '风险等级',
      '对照组',
      '实验',
      '护栏',
      '抑制',
    ],
  ],
}

/** A sensitive word as a text has it, and where. */
export type SensitiveWord = { readonly word: string; readonly at: number }

/**
 * The first sensitive word of a text for a customer; null: it has none.
 * @param names names of products: as long as they stand as they are written, what is in them is no reason
 */
export function sensitiveWordIn(text: string, language: Language, names: readonly string[] = []): SensitiveWord | null {
  let rest = text
  // Longest first, so that a name within another one leaves no half of it. Blanks keep the offsets as they are.
  for (const name of [...names].sort((a, b) => b.length - a.length))
    if (name !== '') rest = rest.replaceAll(name, ' '.repeat(name.length))
  const found = patterns[language].exec(rest)
  return found === null ? null : { word: found[0], at: found.index }
}

const patterns: Readonly<Record<Language, RegExp>> = {
  en: new RegExp(`\\b(?:${sensitiveWords.en.map(englishPattern).join('|')})`, 'iu'),
  zh: new RegExp(sensitiveWords.zh.join('|'), 'u'),
}

function englishPattern(word: string): string {
  const text = word.replaceAll(' ', '\\s+')
  return text.endsWith('*') ? `${text.slice(0, -1)}[a-z-]*` : `${text}\\b`
}
