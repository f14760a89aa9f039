/** `proffer inspect CUSTOMER`: every feature by name with value, class and window. */
import type { CustomerView } from '../shard/shards.ts'
import type { Client } from './client.ts'
import { problemText } from './client.ts'
import { instant, table } from './print.ts'

/** Prints a customer; returns the exit code (1: the engine said no). */
export async function inspectCustomer(client: Client, customerId: string, asJson: boolean): Promise<number> {
  const reply = await client.get(`/v1/customers/${encodeURIComponent(customerId)}`)
  if (reply.status !== 200) {
    process.stderr.write(`${problemText(reply)}\n`)
    return 1
  }
  if (asJson) process.stdout.write(`${JSON.stringify(reply.body)}\n`)
  else if (isView(reply.body)) process.stdout.write(customerText(reply.body))
  return 0
}

function isView(value: unknown): value is CustomerView {
  return typeof value === 'object' && value !== null && 'variables' in value && 'suppressions' in value
}

/** The view as a page of text. */
export function customerText(view: CustomerView): string {
  const lines = [
    `${view.customerId}  partition ${view.partition}  as of ${instant(view.asOf)}  pack ${view.packHash.slice(0, 12)}`,
    view.erasedAt !== null
      ? `Erased at ${instant(view.erasedAt)}: nothing of this customer is kept or taken.`
      : view.known
        ? `${view.bytes} bytes of state`
        : 'No event of this customer has been seen: everything below is what an unknown customer reads as.',
    '',
    table(
      ['name', 'value', 'class', 'window'],
      view.variables.map((variable) => [variable.name, variable.value, variable.class, variable.window]),
    ),
    '',
  ]
  if (view.suppressions.length === 0) lines.push('No suppression is running.')
  for (const suppression of view.suppressions)
    lines.push(`suppression ${suppression.guardrail} until ${instant(suppression.until)}`)
  for (const override of view.overrides)
    lines.push(`opened by a role: ${override.guardrail} until ${instant(override.until)}`)
  if (view.contacts.length > 0) {
    lines.push(
      '',
      table(
        ['contact at', 'offer', 'channel', 'category'],
        view.contacts.map((contact) => [instant(contact.at), contact.offer, contact.channel, contact.category]),
      ),
    )
  }
  return `${lines.join('\n')}\n`
}
