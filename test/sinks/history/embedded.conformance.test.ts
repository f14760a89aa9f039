import { historyConformance } from '../../conformance/history.ts'
import { historyDistribution } from '../../conformance/history-distribution.ts'
import { historyErasure } from '../../conformance/history-erasure.ts'
import { historyForbidden } from '../../conformance/history-forbidden.ts'
import { historySilence } from '../../conformance/history-silence.ts'

const target = async () => ({ options: {}, dispose: async () => undefined })
historyConformance('the embedded ClickHouse', target)
historyErasure('the embedded ClickHouse', target)
historyForbidden('the embedded ClickHouse', target)
historyDistribution('the embedded ClickHouse', target)
historySilence('the embedded ClickHouse', target)
