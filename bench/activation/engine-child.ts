/** The engine of the activation benchmark, in a process of its own: two versions of a pack are kept in it, and it changes them when it is told. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { wallClock } from '../../engine/clock.ts'
import { startEngine } from '../../engine/compose.ts'
import { readConfig } from '../../engine/config.ts'
import { createLogger } from '../../engine/log.ts'
import { certificateName } from '../../engine/proof/certificate.ts'
import { certify } from '../../engine/proof/certify.ts'
import { openStore } from '../../engine/store/open-store.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import { loadPackFiles } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { formatProblems } from '../../rules/pack-problem.ts'
import type { PackFiles } from '../../rules/pack-texts.ts'
import { grownPack } from '../check/grown-pack.ts'

const [dataDir = '', size = '0'] = process.argv.slice(2)

/** The grown pack, and the same with a feature more: another layout, so that the cached customers are read again. */
function versions(files: PackFiles): readonly LoadedPack[] {
  const { features } = z.object({ features: z.array(z.unknown()) }).parse(JSON.parse(files['features.yaml'] ?? ''))
  const where = 'event.channel == "online"'
  const more = { id: 'bench_online_30d', kind: 'count', event: 'card.purchase', where, window: '30d' }
  const other = { ...files, 'features.yaml': JSON.stringify({ features: [...features, more] }) }
  return [files, other].map((one) => {
    const loaded = loadPackFiles(one)
    if (loaded.kind === 'ok') return loaded.pack
    throw new Error(`a pack of the benchmark is refused:\n${formatProblems(loaded.problems)}`)
  })
}

const { files } = grownPack(Number(size))
const packFolder = join(dataDir, 'pack')
await mkdir(packFolder)
for (const [name, text] of Object.entries(files)) await writeFile(join(packFolder, name), text)
const packs = versions(files)
const store = openStore({ kind: 'lmdb', dir: join(dataDir, 'store') })
for (const pack of packs) {
  await store.putPack(certificateName(pack.hash), JSON.stringify(certify(compilePack(pack)).certificate))
  await store.putPack(pack.hash, JSON.stringify(pack.model))
}
await store.close()
const config = readConfig({ DATA_DIR: dataDir, PACK: packFolder, PORT: '0', DECISION_DEADLINE_MS: '10000' })
if (config.kind === 'refused') throw new Error(config.problems.join('; '))
const engine = await startEngine({
  config: config.config,
  clock: wallClock,
  completeSince: 0,
  serve: { host: '127.0.0.1', port: 0 },
  history: false,
  logger: createLogger('silent', 'stderr'),
})
/** The first version is in force. */
let turn = 1
let isBusy = false

process.on('message', (message) => {
  if (message === 'stop') void engine.stop().then(() => process.exit(0))
  else if (!isBusy) {
    isBusy = true
    void next().finally(() => {
      isBusy = false
    })
  }
})

/** One that takes longer than it is asked for is not asked twice. */
async function next(): Promise<void> {
  const { hash = '' } = packs[turn++ % packs.length] ?? {}
  const result = await engine.activator.activate(hash)
  process.send?.({
    kind: 'activated',
    result: result.kind,
    tookMs: result.kind === 'activated' ? result.tookMs : 0,
  })
}

process.on('disconnect', () => process.exit(0))
process.send?.({ kind: 'ready', port: engine.port, key: engine.key })
