/** `proffer config`: every setting with its meaning and default. */
import { configKeys, envExample, settingsPage } from '../config.ts'

/** Prints the settings as a list, as the text of `.env.example`, or as that of `docs/settings.md`. */
export function printSettings(as: 'list' | 'example' | 'markdown'): number {
  if (as !== 'list') {
    process.stdout.write(`${(as === 'example' ? envExample() : settingsPage()).trimEnd()}\n`)
    return 0
  }
  for (const { key, text, initial } of configKeys())
    process.stdout.write(`${key}${initial === '' ? '' : ` (default ${initial})`}\n    ${text}\n`)
  return 0
}
