import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { historyConformance } from '../../conformance/history.ts'

historyConformance('the embedded ClickHouse', async () => ({ options: {}, dispose: async () => undefined }))

historyConformance('a ClickHouse server', async (dir) => {
  const key = 'a key for tests only'
  const file = fileURLToPath(new URL('embedded-server-child.ts', import.meta.url))
  const child = fork(file, [join(dir, 'server'), key], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [url] = await once(child, 'message')
  const address = new URL(`${url}/bank`)
  address.username = 'proffer'
  address.password = key
  return {
    options: { url: address.href },
    dispose: async () => {
      child.kill('SIGKILL')
      await once(child, 'close')
    },
  }
})
