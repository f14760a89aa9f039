/** What a command does with an answer: print it when it is one, else say why not. */
import type { z } from 'zod'
import { type Client, type ClientReply, problemText } from './client.ts'

/**
 * Prints the answer, as JSON or as the lines made of it. Exit code 0; 1 when the engine says no, and why on stderr.
 *
 * @param isGood whether what the answer tells is as it should be; exit code 1 when it is not
 * @throws ZodError when the engine answers what this release does not understand
 */
export async function answered<T>(
  asked: ReturnType<Client['get']>,
  schema: z.ZodType<T>,
  isJson: boolean,
  lines: (value: T) => readonly string[],
  isGood: (value: T) => boolean = () => true,
): Promise<number> {
  const reply = await asked
  if (reply.status !== 200) return saysNo(reply, isJson)
  const value = schema.parse(reply.body)
  process.stdout.write(`${isJson ? JSON.stringify(reply.body) : lines(value).join('\n')}\n`)
  return isGood(value) ? 0 : 1
}

/** Prints why the engine says no; exit code 1. */
export function saysNo(reply: ClientReply, isJson: boolean): number {
  if (isJson) process.stdout.write(`${JSON.stringify(reply.body)}\n`)
  process.stderr.write(`${problemText(reply)}\n`)
  return 1
}
