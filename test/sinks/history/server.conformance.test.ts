import { createHistoryClient, historyAddress } from '../../../sinks/history/client.ts'
import { historyConformance } from '../../conformance/history.ts'
import { historyDistribution } from '../../conformance/history-distribution.ts'
import { historyErasure } from '../../conformance/history-erasure.ts'
import { historyForbidden } from '../../conformance/history-forbidden.ts'
import { historySilence } from '../../conformance/history-silence.ts'
import { describeWithClickHouse, uniqueName } from '../../parts/describe-with-parts.ts'

await describeWithClickHouse('on a server', (urlOf) => {
  const target = async () => {
    const database = uniqueName('bank')
    const url = urlOf(database)
    const dispose = async () => {
      const client = createHistoryClient({ ...historyAddress(url), database: 'default' })
      await client.command({ query: `DROP DATABASE IF EXISTS ${database}` })
      await client.close()
    }
    return { options: { url }, dispose }
  }
  historyConformance('a ClickHouse server', target)
  historyErasure('a ClickHouse server', target)
  historyForbidden('a ClickHouse server', target)
  historyDistribution('a ClickHouse server', target)
  historySilence('a ClickHouse server', target)
})
