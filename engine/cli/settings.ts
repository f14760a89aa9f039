/** `proffer config`: every setting with its meaning and default. */
import { configKeys, envExample } from '../config.ts'

/** Prints the settings as a list, or as the text of `.env.example`. */
export function printSettings(asExample: boolean): number {
  if (asExample) {
    process.stdout.write(`${envExample().trimEnd()}\n`)
    return 0
  }
  for (const { key, text, initial } of configKeys())
    process.stdout.write(`${key}${initial === '' ? '' : ` (default ${initial})`}\n    ${text}\n`)
  return 0
}
