import { expect, test } from 'vitest'
import { RuleNumbers } from '../../../engine/shard/rule-numbers.ts'
import { loadPack } from '../../../rules/load-pack.ts'
import type { Model } from '../../../rules/model.ts'
import { retailBank } from '../../rules/patched-pack.ts'

async function shipped(): Promise<Model> {
  const result = await loadPack(retailBank)
  if (result.kind !== 'ok') throw new Error('the shipped pack loads')
  return result.pack.model
}

test('a rule that is the same in the next pack keeps its number, one that was changed gets another', async () => {
  const model = await shipped()
  const [first, ...rest] = model.triggers
  if (first === undefined) throw new Error('the shipped pack has triggers')
  const numbers = new RuleNumbers(model, 10_000)
  const before = numbers.numberOf(`trigger:${first.id}`)
  const offer = numbers.numberOf(`offer:${model.offers[0]?.id}`)
  const changed = { ...model, triggers: [{ ...first, freshnessMs: first.freshnessMs + 1 }, ...rest] }
  const { numbers: next, fresh } = numbers.prepare(changed)
  expect(fresh).toHaveLength(1)
  // Nothing is in force before it is.
  expect(numbers.numberOf(`trigger:${first.id}`)).toBe(before)
  numbers.switchTo(next)
  expect(numbers.numberOf(`trigger:${first.id}`)).toBe(fresh[0])
  expect(numbers.numberOf(`offer:${model.offers[0]?.id}`)).toBe(offer)
  // Going back finds the number of then.
  const back = numbers.prepare(model)
  expect(back.fresh).toEqual([])
  numbers.switchTo(back.numbers)
  expect(numbers.numberOf(`trigger:${first.id}`)).toBe(before)
})

test('however often packs change, numbers that nobody needs any more are given again', async () => {
  const model = await shipped()
  const [first, ...rest] = model.triggers
  if (first === undefined) throw new Error('the shipped pack has triggers')
  const room = new RuleNumbers(model, 10_000).inForce.length + 3
  const numbers = new RuleNumbers(model, room)
  for (let i = 1; i < 50; i++) {
    const triggers = [{ ...first, freshnessMs: first.freshnessMs + i }, ...rest]
    numbers.switchTo(numbers.prepare({ ...model, triggers }).numbers)
  }
  expect(Math.max(...numbers.inForce)).toBeLessThanOrEqual(room)
  expect(new Set(numbers.inForce).size).toBe(numbers.inForce.length)
  expect(() => new RuleNumbers(model, room - 10)).toThrow(RangeError)
})
