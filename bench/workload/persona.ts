/** Who a customer of the population is: drawn from seed and number alone, so nothing has to be remembered. */
import { createRandom, cumulate, type Random } from './random.ts'

export type Employment = 'employed' | 'self_employed' | 'unemployed' | 'retired' | 'student'
export type RiskGrade = 'conservative' | 'steady' | 'balanced' | 'aggressive'

export type Persona = {
  readonly customerId: string
  readonly employment: Employment
  readonly riskGrade: RiskGrade | null
  readonly assetsFen: number
  readonly hasChildren: boolean
  readonly consents: readonly ('sms' | 'push' | 'email')[]
  /** What the customer mostly buys. */
  readonly taste: string
  /** Start of the day of birth, Unix milliseconds. Some students are under age. */
  readonly birthDate: number
}

const employments: readonly [Employment, ...Employment[]] = [
  'employed',
  'self_employed',
  'unemployed',
  'retired',
  'student',
]
const employmentWeights = cumulate([62, 12, 4, 12, 10])
const riskGrades: readonly [RiskGrade, ...RiskGrade[]] = ['conservative', 'steady', 'balanced', 'aggressive']
const tastes = [
  'grocery',
  'restaurant',
  'fashion',
  'beauty',
  'gaming',
  'maternity',
  'travel',
  'electronics',
  'pets',
] as const
const tasteWeights = cumulate([26, 20, 14, 9, 9, 5, 7, 7, 3])

/** Years of birth, first and last. */
const births: Readonly<Record<Employment, readonly [number, number]>> = {
  employed: [1966, 2003],
  self_employed: [1966, 2000],
  unemployed: [1966, 2003],
  retired: [1942, 1965],
  student: [2001, 2009],
}

/** Pseudonym of the n-th customer of the population. */
export function customerIdOf(n: number): string {
  return `c-${String(n).padStart(7, '0')}`
}

/** The n-th customer, the same each time. */
export function personaOf(seed: number, n: number): Persona {
  const random = createRandom(seed, `persona ${n}`)
  const employment = employments[random.weighted(employmentWeights)] ?? 'employed'
  return {
    customerId: customerIdOf(n),
    employment,
    riskGrade: random.chance(0.7) ? random.pick(riskGrades) : null,
    assetsFen: assets(employment, random),
    hasChildren: employment !== 'student' && random.chance(0.35),
    consents: (['sms', 'push', 'email'] as const).filter(() => random.chance(0.6)),
    taste: tastes[random.weighted(tasteWeights)] ?? 'grocery',
    birthDate: birthDate(employment, random),
  }
}

function birthDate(employment: Employment, random: Random): number {
  const [first, last] = births[employment]
  const day = Date.UTC(first + random.below(last - first + 1), 0, 1 + random.below(365))
  return day - 8 * 3_600_000
}

/** Wealth is log-normal: half below 30,000 yuan, one in twenty above 800,000; students have a tenth. */
function assets(employment: Employment, random: Random): number {
  const uniform = Math.max(random.next(), 1e-9)
  const normal = Math.sqrt(-2 * Math.log(uniform)) * Math.cos(2 * Math.PI * random.next())
  const fen = Math.exp(Math.log(3_000_000) + 2 * normal) * (employment === 'student' ? 0.1 : 1)
  return Math.round(Math.min(fen, 10_000_000_000))
}
