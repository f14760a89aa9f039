// Runs before every npm script, on whatever Node started npm (20 or newer), with nothing installed yet.
// Installs the locked dependencies, the pinned Node among them, when they are missing or when the lock
// file changed since they were installed. Plain JavaScript on purpose: Node 20 runs no TypeScript.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(root, 'node_modules', '.proffer-installed')
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const found = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''

if (found !== wanted) {
  process.stderr.write('proffer: installing the locked dependencies (about 1 GB on disk, once) ...\n')
  const run = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (run.status !== 0) {
    process.stderr.write(
      'proffer: the installation failed. Run `npm ci` to see why; a package registry must be reachable.\n',
    )
    process.exit(run.status ?? 1)
  }
  writeFileSync(stamp, wanted)
}
