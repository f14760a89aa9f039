/** The pack in force, for a command that reckons with it: as the engine keeps it, whatever the folder PACK holds by now. */
import { z } from 'zod'
import { loadPack, loadPackFiles } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { packFilesSchema } from '../../rules/pack-texts.ts'
import type { Config } from '../config.ts'
import { type Client, ClientError, problemText } from './client.ts'

const listed = z.looseObject({
  versions: z.array(z.looseObject({ version: z.number(), status: z.string(), hash: z.string() })),
})
const sources = z.looseObject({ files: packFilesSchema })

/** @throws ClientError when the engine does not say, or keeps no sources of the version and PACK is another one */
export async function packInForce(client: Client, config: Pick<Config, 'PACK'>): Promise<LoadedPack> {
  const reply = await client.get('/v1/versions')
  if (reply.status !== 200) throw new ClientError(`The version in force cannot be asked for: ${problemText(reply)}`)
  const found = listed.parse(reply.body).versions.find(({ status }) => status === 'in_force')
  if (found === undefined) throw new ClientError('No version is in force yet.')
  const kept = await client.get(`/v1/versions/${found.version}/files`)
  const loaded = kept.status === 200 ? loadPackFiles(sources.parse(kept.body).files) : await loadPack(config.PACK)
  if (loaded.kind === 'ok' && loaded.pack.hash === found.hash) return loaded.pack
  throw new ClientError(
    kept.status === 200
      ? `This release reads version ${found.version} otherwise than the one that put it in force: propose it again.`
      : `The sources of version ${found.version} are not kept, and PACK=${config.PACK} is not that version: set PACK to its folder.`,
  )
}
