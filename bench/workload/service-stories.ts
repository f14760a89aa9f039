/** Stories of service and of exact edges: amounts, first days, the banner by assets, the hours of the night. */
import { profileData } from './moment.ts'
import { buys, introduces, reports, type Story, type Teller, tellStory } from './story.ts'

/** Stories in which a cent, a first day or an hour makes the difference. */
export function serviceStories(dayStartMs: number): readonly Story[] {
  return [repayers(dayStartMs), newcomer(dayStartMs), homeBanner(dayStartMs), nightOwls(dayStartMs)]
}

function repays(teller: Teller, at: string, fen: number): void {
  const repayment = { amount: fen, currency: 'CNY', product: 'credit_card' }
  teller.fact({ daysBefore: 0, at }, 'core-banking', 'repayment.made', repayment)
}

function repayers(dayStartMs: number): Story {
  return tellStory(
    dayStartMs,
    {
      id: 'repayers',
      title: 'An and Bo repay a cent apart',
      watch: 'An repays 4,999.99 and Bo 5,000.00.',
      outcome: 'Bo is thanked with 500 points, An is not.',
      expects: [
        { kind: 'never', customerId: 'C-an', offer: 'repayment_thanks' },
        { kind: 'offered', customerId: 'C-bo', placement: 'sms_message', offer: 'repayment_thanks', times: 1 },
      ],
    },
    {
      'C-an': (teller) => repays(teller, '10:30', 499_999),
      'C-bo': (teller) => repays(teller, '10:31', 500_000),
    },
  )
}

function newcomer(dayStartMs: number): Story {
  return tellStory(
    dayStartMs,
    {
      id: 'newcomer',
      title: 'Nova opens an account',
      watch: 'Nobody knows anything about Nova when she looks at the offers page; a minute later her account is open.',
      outcome:
        'The offers page shows the safe start for newcomers. The account brings a welcome by SMS within the minute.',
      expects: [
        { kind: 'offered', customerId: 'C-nova', placement: 'app_offers', offer: 'newcomer_start', times: 1 },
        { kind: 'offered', customerId: 'C-nova', placement: 'sms_message', offer: 'welcome', times: 1 },
      ],
    },
    {
      'C-nova': (teller) => {
        teller.asks('11:01', 'app_offers', 3)
        const account = { accountType: 'current', channel: 'app', advisor: 'a-17' }
        teller.fact({ daysBefore: 0, at: '11:02' }, 'core-banking', 'account.opened', account)
      },
    },
  )
}

function homeBanner(dayStartMs: number): Story {
  const asks = (riskGrade: string | null, fen: number) => (teller: Teller) => {
    const profile = { employmentStatus: 'employed', studentStatus: false, riskGrade, totalAssets: fen }
    introduces(teller, profile, [])
    teller.asks('08:15', 'app_home_banner', 1)
  }
  return tellStory(
    dayStartMs,
    {
      id: 'home-banner',
      title: 'A cent below and on the edge of 500,000',
      watch:
        'Gao holds 499,999.99, Hua 500,000.00, both steady; Ke holds 500,000.00 and has not answered the risk questionnaire. Gao is paid a cent of interest and looks again.',
      outcome:
        'Gao sees deposits, Hua the R2 products; Gao too after the cent. Ke sees neither: who is not known to be steady is treated like the most careful.',
      expects: [
        { kind: 'offered', customerId: 'C-gao', placement: 'app_home_banner', offer: 'banner_term_deposit', times: 1 },
        { kind: 'offered', customerId: 'C-gao', placement: 'app_home_banner', offer: 'banner_r2_income', times: 1 },
        { kind: 'offered', customerId: 'C-hua', placement: 'app_home_banner', offer: 'banner_r2_income', times: 1 },
        { kind: 'never', customerId: 'C-ke', offer: 'banner_r2_income' },
      ],
    },
    {
      'C-gao': (teller) => {
        asks('steady', 49_999_999)(teller)
        const richer = profileData({ totalAssets: 50_000_000 })
        teller.fact({ daysBefore: 0, at: '18:00' }, 'core-banking', 'profile.updated', richer)
        teller.asks('18:20', 'app_home_banner', 1)
      },
      'C-hua': asks('steady', 50_000_000),
      'C-ke': asks(null, 50_000_000),
    },
  )
}

function nightOwls(dayStartMs: number): Story {
  const plays = (teller: Teller): void => {
    introduces(teller, { employmentStatus: 'employed', studentStatus: false }, ['sms'])
    buys(teller, { daysBefore: 9, at: '21:00' }, 'gaming', 520)
    buys(teller, { daysBefore: 4, at: '21:30' }, 'gaming', 380)
    buys(teller, { daysBefore: 0, at: '01:40' }, 'gaming', 460)
  }
  return tellStory(
    dayStartMs,
    {
      id: 'night-owls',
      title: 'Min and Bei shop at night, Jia lives in New York',
      watch:
        'Min and Bei buy a third thing for gaming at 01:40. Bei withdraws the consent to SMS at 06:50. Jia marries at 10:30, which is 22:30 where she lives.',
      outcome:
        'Min is written to after eight in the morning, Bei not any more. Jia hears of it when it is morning in New York, at eight in the evening here.',
      expects: [
        { kind: 'stopped', customerId: 'C-min', offer: 'gaming_instalments', reason: 'held' },
        { kind: 'offered', customerId: 'C-min', placement: 'sms_message', offer: 'gaming_instalments', times: 1 },
        { kind: 'stopped', customerId: 'C-bei', offer: 'gaming_instalments', reason: 'no_consent' },
        { kind: 'never', customerId: 'C-bei', offer: 'gaming_instalments' },
        { kind: 'stopped', customerId: 'C-jia', offer: 'honeymoon_instalments', reason: 'held' },
        { kind: 'offered', customerId: 'C-jia', placement: 'push_message', offer: 'honeymoon_instalments', times: 1 },
      ],
    },
    {
      'C-min': plays,
      'C-bei': (teller) => {
        plays(teller)
        const withdrawn = { channel: 'sms', granted: false, purpose: 'marketing' }
        teller.fact({ daysBefore: 0, at: '06:50' }, 'crm', 'consent.updated', withdrawn)
      },
      'C-jia': (teller) => {
        const profile = { employmentStatus: 'employed', studentStatus: false, residenceRegion: 'us_east' }
        introduces(teller, profile, ['push'])
        reports(teller, { daysBefore: 0, at: '10:30' }, 'marriage')
      },
    },
  )
}
