/** A dry run of a real engine that would take stock and a contact, and the bytes of everything around it before and after. */
import { expect, vi } from 'vitest'
import { cloudEvent, type RunningEngine, repayment } from '../running-engine.ts'

const waiting = { timeout: 30_000, interval: 200 }
/** As long as a commit of what waits may take, and a look at the stock. */
const quietMs = 2_500

/** @param bytesOf everything that is kept, in a form that two looks at the same bytes share */
export async function expectNothingTouched(node: RunningEngine, bytesOf: () => Promise<unknown>): Promise<void> {
  const customer = 'C-dry'
  const told = await node.call('POST', '/v1/events', [
    cloudEvent(customer, 'profile.updated', { hasChildren: true }),
    cloudEvent(customer, 'consent.updated', { channel: 'sms', granted: true, purpose: 'marketing' }),
  ])
  expect(told.body).toMatchObject({ accepted: 2 })
  const shown = { customerId: customer, placement: 'app_offers' }
  // What is left of the stock is known a moment after the start.
  await vi.waitFor(async () => {
    const { body } = await node.call('POST', '/v1/dry-runs', shown)
    expect(body).toMatchObject({ decisions: [{ outcome: 'offered', offers: [{ offer: 'child_health_check' }] }] })
  }, waiting)
  await quiet(bytesOf)
  const before = await bytesOf()

  for (let i = 0; i < 3; i++) {
    const asked = await node.call('POST', '/v1/dry-runs', shown)
    const [decision] = Object(asked.body).decisions
    expect(decision.stock).toMatchObject([{ resource: 'child-health-checks', amount: 1, left: 100 }])
    expect(decision.stock[0].claim).not.toBeNull()
    const { id: _, ...event } = repayment(customer, 500_000)
    const led = await node.call('POST', '/v1/dry-runs', { customerId: customer, event })
    expect(led.body).toMatchObject({ status: 'accepted', customer: { contacts: [] } })
    const contacts = Object(led.body).decisions.flatMap((one: { contacts: unknown[] }) => one.contacts)
    expect(contacts.length).toBeGreaterThan(0)
  }
  await new Promise((resolve) => setTimeout(resolve, quietMs))
  expect(await bytesOf()).toEqual(before)

  // The same for real does change them: the comparison sees what it has to see.
  await vi.waitFor(async () => {
    const done = await node.call('POST', '/v1/decisions', { ...shown, deadlineMs: 5_000 })
    expect(done.body).toMatchObject({ outcome: 'offered' })
  }, waiting)
  await vi.waitFor(async () => expect(await bytesOf()).not.toEqual(before), waiting)
}

/** Resolves when two looks apart are the same. */
async function quiet(bytesOf: () => Promise<unknown>): Promise<void> {
  await vi.waitFor(
    async () => {
      const first = JSON.stringify(await bytesOf())
      await new Promise((resolve) => setTimeout(resolve, quietMs))
      expect(JSON.stringify(await bytesOf()) === first).toBe(true)
    },
    { timeout: 60_000, interval: 100 },
  )
}
