import { fork } from 'node:child_process'
import type { BenchResult } from '../report.ts'

/**
 * Runs a measuring module in a process of its own, where every thread tells of its collections (`gc-probe.ts`). The module
 * reads its options as JSON from its first argument and sends its result as its only message.
 * @throws Error when it ends without one
 */
export function runProbed(module: URL, options: object): Promise<BenchResult> {
  const probe = new URL('gc-probe.ts', import.meta.url).href
  const child = fork(module.pathname, [JSON.stringify(options)], { execArgv: [...process.execArgv, '--import', probe] })
  return new Promise((resolve, reject) => {
    let result: BenchResult | null = null
    child.on('message', (message: BenchResult) => {
      result = message
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (result !== null && code === 0) resolve(result)
      else reject(new Error(`the measuring process ended with code ${code}`))
    })
  })
}
