/** Stories of red lines: what must not be offered, however well it would fit. */
import { buys, introduces, reads, reports, type Story, searches, type Teller, tellStory } from './story.ts'

const known = { employmentStatus: 'employed', studentStatus: false, riskGrade: 'balanced', totalAssets: 8_000_000 }

/** Stories in which an offer is stopped. */
export function redLineStories(dayStartMs: number): readonly Story[] {
  return [jobLost(dayStartMs), bereaved(dayStartMs), student(dayStartMs), crawled(dayStartMs), takenBack(dayStartMs)]
}

function earns(teller: Teller): void {
  for (const daysBefore of [82, 52, 22]) {
    const salary = { amount: 1_250_000, currency: 'CNY', direction: 'in', kind: 'salary', counterpartyBank: null }
    teller.fact({ daysBefore, at: '10:05' }, 'core-banking', 'transfer.made', salary)
  }
}

function jobLost(dayStartMs: number): Story {
  return tellStory(
    dayStartMs,
    {
      id: 'job-lost',
      title: 'Tao loses his job in the morning',
      watch:
        'Tao and his colleague Jun earn the same and read about loans at noon. Tao told the call centre at 09:05 that he lost his job.',
      outcome: 'Jun is offered the personal loan. Tao is not, neither as a message nor in the app: he is offered help.',
      expects: [
        { kind: 'offered', customerId: 'C-tao', placement: 'push_message', offer: 'hardship_help', times: 1 },
        { kind: 'offered', customerId: 'C-tao', placement: 'app_offers', offer: 'hardship_help', times: 1 },
        { kind: 'never', customerId: 'C-tao', offer: 'consumer_loan' },
        { kind: 'stopped', customerId: 'C-tao', offer: 'consumer_loan', reason: 'unemployment' },
        { kind: 'offered', customerId: 'C-jun', placement: 'push_message', offer: 'consumer_loan', times: 1 },
      ],
    },
    {
      'C-tao': (teller) => {
        introduces(teller, known, ['push', 'sms'])
        earns(teller)
        reports(teller, { daysBefore: 0, at: '09:05' }, 'unemployment')
        reads(teller, { daysBefore: 0, at: '11:58' }, 'loans', 'loans/personal', 35)
        reads(teller, { daysBefore: 0, at: '12:00' }, 'loans', 'loans/personal/apply', 80)
        reads(teller, { daysBefore: 0, at: '12:02' }, 'loans', 'loans/rates', 20)
        teller.asks('12:03', 'app_offers', 3)
      },
      'C-jun': (teller) => {
        introduces(teller, known, ['push', 'sms'])
        earns(teller)
        reads(teller, { daysBefore: 0, at: '11:59' }, 'loans', 'loans/personal', 35)
        reads(teller, { daysBefore: 0, at: '12:01' }, 'loans', 'loans/personal/apply', 80)
      },
    },
  )
}

function bereaved(dayStartMs: number): Story {
  return tellStory(
    dayStartMs,
    {
      id: 'bereaved',
      title: 'Lin has lost her father',
      watch:
        'The branch notes the death at 10:15. In the afternoon Lin pays for flights, and the registry reports the wedding of last week.',
      outcome: 'No travel instalments, no honeymoon instalments; nothing is sold to her for 30 days.',
      expects: [
        { kind: 'never', customerId: 'C-lin', offer: 'travel_instalments' },
        { kind: 'stopped', customerId: 'C-lin', offer: 'travel_instalments', reason: 'bereavement' },
        { kind: 'never', customerId: 'C-lin', offer: 'honeymoon_instalments' },
        { kind: 'stopped', customerId: 'C-lin', offer: 'honeymoon_instalments', reason: 'bereavement' },
      ],
    },
    {
      'C-lin': (teller) => {
        introduces(teller, known, ['push', 'sms'])
        earns(teller)
        reports(teller, { daysBefore: 0, at: '10:15' }, 'bereavement')
        buys(teller, { daysBefore: 0, at: '15:30' }, 'travel', 6840)
        reports(teller, { daysBefore: 0, at: '17:00' }, 'marriage')
        teller.asks('21:10', 'app_offers', 3)
      },
    },
  )
}

function student(dayStartMs: number): Story {
  return tellStory(
    dayStartMs,
    {
      id: 'student',
      title: 'Yu studies, and shops for beauty',
      watch:
        'Third beauty purchase in 30 days at 13:10: others would get an instalment credit. At 16:05 Yu searches for a year abroad.',
      outcome: 'No beauty loan for a student. The study loan is open to her: it is whom it is for.',
      expects: [
        { kind: 'never', customerId: 'C-yu', offer: 'beauty_instalments' },
        { kind: 'stopped', customerId: 'C-yu', offer: 'beauty_instalments', reason: 'student' },
        { kind: 'offered', customerId: 'C-yu', placement: 'app_offers', offer: 'study_loan', times: 1 },
      ],
    },
    {
      'C-yu': (teller) => {
        introduces(teller, { employmentStatus: 'student', studentStatus: true, riskGrade: 'conservative' }, [
          'push',
          'sms',
        ])
        buys(teller, { daysBefore: 20, at: '15:00' }, 'beauty', 180)
        buys(teller, { daysBefore: 8, at: '15:30' }, 'beauty', 220)
        buys(teller, { daysBefore: 0, at: '13:10' }, 'beauty', 460)
        searches(teller, { daysBefore: 0, at: '16:05' }, 'study_abroad', 'semester in Berlin')
        teller.asks('16:06', 'app_offers', 3)
      },
    },
  )
}

function crawled(dayStartMs: number): Story {
  return tellStory(
    dayStartMs,
    {
      id: 'unlawful-source',
      title: 'A data broker reports on Hao',
      watch:
        'A crawler sends page views of other sites, five of them about exchange rates, as if Hao had read them here, and gossip that he marries.',
      outcome:
        'The events are kept for the audit and move nothing: no honeymoon credit, no currency wallet. Three own looks in the evening bring one.',
      expects: [
        { kind: 'offered', customerId: 'C-hao', placement: 'push_message', offer: 'fx_wallet', times: 1 },
        { kind: 'never', customerId: 'C-hao', offer: 'honeymoon_instalments' },
        { kind: 'stopped', customerId: 'C-hao', offer: 'honeymoon_instalments', reason: 'unlawful_source' },
      ],
    },
    {
      'C-hao': (teller) => {
        introduces(teller, known, ['push'])
        for (const at of ['09:40', '09:41', '09:42', '09:43', '09:44']) {
          const page = { page: 'elsewhere/rates', pageGroup: 'fx', dwellMs: 9000 }
          teller.fact({ daysBefore: 0, at }, 'dataharvest-crawler', 'page.viewed', page)
        }
        const gossip = { kind: 'marriage', resolved: false, occurredAt: null }
        teller.fact({ daysBefore: 0, at: '10:20' }, 'dataharvest-crawler', 'life_event.reported', gossip)
        for (const at of ['19:30', '19:33', '19:39']) reads(teller, { daysBefore: 0, at }, 'fx', 'fx/rates', 25)
      },
    },
  )
}

function takenBack(dayStartMs: number): Story {
  return tellStory(
    dayStartMs,
    {
      id: 'taken-back',
      title: 'A message to Sui is taken back in time',
      watch:
        'Sui and Rui look at exchange rates; a message about a currency wallet is decided for each and waits at the gateway. Two minutes later the branch notes that Sui has lost her mother.',
      outcome:
        'The message to Sui is recalled before it is sent: the gateway reads so on the same topic, and gets no permit. Rui keeps hers.',
      expects: [
        { kind: 'offered', customerId: 'C-sui', placement: 'push_message', offer: 'fx_wallet', times: 1 },
        { kind: 'recalled', customerId: 'C-sui', offer: 'fx_wallet', reason: 'bereavement' },
        { kind: 'offered', customerId: 'C-rui', placement: 'push_message', offer: 'fx_wallet', times: 1 },
      ],
    },
    {
      'C-sui': (teller) => {
        introduces(teller, known, ['push'])
        for (const at of ['13:20', '13:22', '13:25']) reads(teller, { daysBefore: 0, at }, 'fx', 'fx/rates', 25)
        reports(teller, { daysBefore: 0, at: '13:27' }, 'bereavement')
      },
      'C-rui': (teller) => {
        introduces(teller, known, ['push'])
        for (const at of ['13:21', '13:23', '13:26']) reads(teller, { daysBefore: 0, at }, 'fx', 'fx/rates', 25)
      },
    },
  )
}
