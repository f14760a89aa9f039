import { historyConformance } from '../../conformance/history.ts'
import { historyErasure } from '../../conformance/history-erasure.ts'
import { startServer } from './embedded-server.ts'

const target = async (dir: string) => {
  const server = await startServer(dir)
  const address = new URL(`${server.url}/bank`)
  address.username = 'proffer'
  address.password = server.key
  return { options: { url: address.href }, dispose: server.dispose }
}
historyConformance('a ClickHouse server', target)
historyErasure('a ClickHouse server', target)
