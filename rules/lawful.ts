import type { CompiledPack } from './compiled.ts'

/** Whether data of a source may be used when it arrives: the source is listed with a lawful basis, and its agreement is not over. */
export function isLawful(
  { lawfulSources }: Pick<CompiledPack, 'lawfulSources'>,
  source: string,
  acceptedAt: number,
): boolean {
  return acceptedAt < (lawfulSources.get(source) ?? Number.NEGATIVE_INFINITY)
}
