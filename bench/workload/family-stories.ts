/** Stories of interest: what customers do tells what they may need. */
import { buys, introduces, reads, type Story, searches, type Teller, tellStory } from './story.ts'

const employed = { employmentStatus: 'employed', studentStatus: false, riskGrade: 'steady', totalAssets: 12_000_000 }

/** Stories in which an offer is made because of what the customer did. */
export function familyStories(dayStartMs: number): readonly Story[] {
  return [expectingMother(dayStartMs), fxBrowser(dayStartMs), studyAbroadFamily(dayStartMs)]
}

/** One purchase in each of the three 30-day windows before, two in the last 30 days; the one of the day is the third. */
function expects(teller: Teller): void {
  introduces(teller, { ...employed, hasChildren: false }, ['push'])
  for (const daysBefore of [105, 75, 45, 12, 5]) buys(teller, { daysBefore, at: '17:40' }, 'maternity', 260)
  for (const daysBefore of [100, 71, 40, 33, 26, 19, 9, 2]) buys(teller, { daysBefore, at: '18:30' }, 'grocery', 142)
}

function expectingMother(dayStartMs: number): Story {
  return tellStory(
    dayStartMs,
    {
      id: 'expecting-mother',
      title: 'Mia is expecting, Wen withdrew her consent',
      watch:
        'Both bought one thing for a baby in each of the last three months and have bought three in the last 30 days: up by exactly 200 % on their own baseline. Both search for early education. Wen withdrew her consent to push messages in the morning.',
      outcome:
        'Mia gets the mother-and-baby offer once, at her purchase at 11:20; at the next purchase the cap of one in 30 days stops it. Wen gets none: no consent.',
      expects: [
        { kind: 'offered', customerId: 'C-mia', placement: 'push_message', offer: 'family_bundle', times: 1 },
        { kind: 'stopped', customerId: 'C-mia', offer: 'family_bundle', reason: 'cap_reached' },
        { kind: 'never', customerId: 'C-wen', offer: 'family_bundle' },
        { kind: 'stopped', customerId: 'C-wen', offer: 'family_bundle', reason: 'no_consent' },
      ],
    },
    {
      'C-mia': (teller) => {
        expects(teller)
        searches(teller, { daysBefore: 0, at: '09:10' }, 'early_education', 'early education from birth')
        buys(teller, { daysBefore: 0, at: '11:20' }, 'maternity', 389)
        buys(teller, { daysBefore: 0, at: '19:30' }, 'maternity', 75)
      },
      'C-wen': (teller) => {
        expects(teller)
        const withdrawn = { channel: 'push', granted: false, purpose: 'marketing' }
        teller.fact({ daysBefore: 0, at: '08:30' }, 'mobile-app', 'consent.updated', withdrawn)
        searches(teller, { daysBefore: 0, at: '09:15' }, 'early_education', 'playgroup near me')
        buys(teller, { daysBefore: 0, at: '11:25' }, 'maternity', 310)
      },
    },
  )
}

function fxBrowser(dayStartMs: number): Story {
  return tellStory(
    dayStartMs,
    {
      id: 'fx-browser',
      title: 'Chen keeps looking at exchange rates',
      watch: 'Chen opens the page with exchange rates four times within a day, the first time the evening before.',
      outcome: 'The third look brings the foreign currency wallet, the fourth nothing: once a week is enough.',
      expects: [
        { kind: 'offered', customerId: 'C-chen', placement: 'push_message', offer: 'fx_wallet', times: 1 },
        { kind: 'stopped', customerId: 'C-chen', offer: 'fx_wallet', reason: 'cap_reached' },
      ],
    },
    {
      'C-chen': (teller) => {
        introduces(teller, employed, ['push'])
        reads(teller, { daysBefore: 1, at: '22:15' }, 'fx', 'fx/rates', 41)
        reads(teller, { daysBefore: 0, at: '07:50' }, 'fx', 'fx/rates', 22)
        reads(teller, { daysBefore: 0, at: '12:05' }, 'fx', 'fx/rates/eur', 63)
        reads(teller, { daysBefore: 0, at: '20:40' }, 'fx', 'fx/rates/eur', 18)
      },
    },
  )
}

function studyAbroadFamily(dayStartMs: number): Story {
  return tellStory(
    dayStartMs,
    {
      id: 'study-abroad-family',
      title: 'The Zhaos think of studying abroad',
      watch: 'A search three days ago and one today; in the evening two pages about studying abroad.',
      outcome:
        'The package comes by email at the second search. The pages in the evening bring nothing more: once in 14 days.',
      expects: [
        { kind: 'offered', customerId: 'C-zhao', placement: 'email_letter', offer: 'study_abroad_package', times: 1 },
        { kind: 'stopped', customerId: 'C-zhao', offer: 'study_abroad_package', reason: 'cap_reached' },
      ],
    },
    {
      'C-zhao': (teller) => {
        introduces(teller, { ...employed, hasChildren: true, totalAssets: 64_000_000 }, ['push', 'email'])
        searches(teller, { daysBefore: 3, at: '21:05' }, 'study_abroad', 'costs of a year in Canada')
        searches(teller, { daysBefore: 0, at: '12:45' }, 'study_abroad', 'scholarships')
        reads(teller, { daysBefore: 0, at: '20:10' }, 'study_abroad', 'study-abroad/guide', 95)
        reads(teller, { daysBefore: 0, at: '20:13' }, 'study_abroad', 'study-abroad/payments', 70)
      },
    },
  )
}
