import { historyConformance } from '../../conformance/history.ts'
import { startServer } from './embedded-server.ts'

historyConformance('a ClickHouse server', async (dir) => {
  const server = await startServer(dir)
  const address = new URL(`${server.url}/bank`)
  address.username = 'proffer'
  address.password = server.key
  return { options: { url: address.href }, dispose: server.dispose }
})
