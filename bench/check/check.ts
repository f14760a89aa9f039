/** How long `proffer check` takes, proof and start of the process with it, as packs grow. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BenchResult, machine, median, shown } from '../report.ts'
import { grownPack, samplePack } from './grown-pack.ts'

const engine = join(import.meta.dirname, '../../engine/main.ts')
const sampleRules = grownPack(0).rules
const sizes = [250, 1_000, 2_500, 10_000] as const

type Run = { readonly ms: number; readonly code: number | null; readonly said: string }

/** @throws Error when a pack that has to be sound is refused */
export async function benchCheck(): Promise<BenchResult> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } }, strict: false })
  const rounds = Math.max(1, Number(values['rounds']))
  const dir = await mkdtemp(join(tmpdir(), 'proffer-check-bench-'))
  try {
    const packs = [{ name: 'sample', size: 0, rules: sampleRules, folder: samplePack }]
    for (const size of sizes) packs.push({ name: String(size), size, ...(await written(dir, size)) })
    const runs = new Map<string, Run[]>(packs.map(({ name }) => [name, []]))
    for (let round = 0; round < rounds; round++)
      for (const { name, folder } of packs) runs.get(name)?.push(await check(folder))
    const ms = (name: string): number => median((runs.get(name) ?? []).map((run) => run.ms))
    const perRule = ({ name, rules }: { readonly name: string; readonly rules: number }): number => ms(name) / rules
    const [sample, small, , large, huge] = packs
    if (sample === undefined || small === undefined || large === undefined || huge === undefined) throw new Error()
    for (const { name, size } of packs) {
      const refused = runs.get(name)?.find(({ code }) => code !== 0)
      if (size < 10_000 && refused !== undefined) throw new Error(`the pack of ${name} is refused:\n${refused.said}`)
    }
    const answer = runs.get(huge.name)?.[0]
    const limit = answer?.said.split('\n').find((line) => line.includes('at most')) ?? ''
    return {
      name: 'check',
      held: answer?.code === 0 || limit !== '',
      headline: { sampleSeconds: ms('sample') / 1_000, rules2500Seconds: ms('2500') / 1_000 },
      verdicts: [
        verdict('the sample pack in at most 2 s, start of the process with it', ms('sample'), 2_000),
        verdict('a pack of 2,500 rules in at most 20 s, proof with it', ms('2500'), 20_000),
      ],
      ratios: {
        'time a rule, 2,500 over the sample': perRule(large) / perRule(sample),
        'time a rule, 2,500 over 250': perRule(large) / perRule(small),
      },
      figures: {
        ...Object.fromEntries(packs.map(({ name, rules }) => [`${name}, ${rules} rules, ms`, ms(name)])),
        '10,000 rules': answer?.code === 0 ? 'sound' : limit,
      },
      machine: machine(),
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function verdict(aim: string, ms: number, goalMs: number) {
  return {
    aim,
    reached: ms <= goalMs,
    measured: `${shown(ms / 1_000)} s`,
    bound: 'reading YAML, compiling conditions, and the cases of the proof, on one core',
  }
}

async function written(dir: string, size: number): Promise<{ readonly folder: string; readonly rules: number }> {
  const { files, rules } = grownPack(size)
  const folder = join(dir, String(size))
  await mkdir(folder)
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return { folder, rules }
}

function check(folder: string): Promise<Run> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(process.execPath, [engine, 'check', folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk
    })
    child.on('error', reject)
    child.on('exit', (code) => resolve({ ms: performance.now() - started, code, said }))
  })
}
