import { historyConformance } from '../../conformance/history.ts'

historyConformance('the embedded ClickHouse', async () => ({ options: {}, dispose: async () => undefined }))
