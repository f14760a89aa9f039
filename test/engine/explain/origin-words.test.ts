import { expect, test } from 'vitest'
import { originLines } from '../../../engine/explain/origin-words.ts'
import { createBank, day0, dayMs } from '../step/bank.ts'
import { loadBank } from '../step/bank-pack.ts'

const at = day0 + 10 * dayMs

test('staff are told which sources and on what ground a decision rests, and nothing where nothing was known', async () => {
  const bank = createBank(await loadBank())
  bank.send('c', 'profile.updated', { totalAssets: 60_000_000 }, { at, source: 'app', consentId: 'C-1' })
  const { decision } = bank.ask('c', 'home-banner', { at: at + 1 })
  expect(originLines(decision, 'en').join()).toMatch(/^Rests on data of: .*app \(consent\)/)
  expect(originLines(decision, 'en').join()).toMatch(/consent [0-9a-f]{8}/)
  expect(originLines(decision, 'zh').join()).toMatch(/^所依据的数据来源：.*app \(客户同意\)/)
  const stranger = bank.ask('stranger', 'home-banner', { at: at + 2 }).decision
  expect(originLines(stranger, 'en')).toEqual([])
})
