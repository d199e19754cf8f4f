// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { PatchRefusal, placesFor, type ChangedFile } from '@lockstep/domain/source-patch';
import type { KernelBuild } from '../builds/registered-kernel';
import { readPatch, type PatchSources } from './read-patch';

/** What may refuse a patch is given its sources, if a diff made it: as they are, or as `sources`. */
type Blamed = { readonly kernel: KernelBuild } & (PatchSources | { readonly sources: PatchSources | undefined });

/**
 * The same, but that a refusal tells where its author wrote what is refused: PatchRefusal instead of what is refused of an
 * object. Costs nothing where nothing is.
 */
export const blamingAuthor =
  <Options extends Blamed, Rest extends unknown[], Result>(
    work: (options: Options, ...rest: Rest) => Promise<Result>,
  ) =>
  async (options: Options, ...rest: Rest): Promise<Result> => {
    try {
      return await work(options, ...rest);
    } catch (error) {
      throw await withPlaces(error, options.kernel, 'sources' in options ? options.sources : options);
    }
  };

async function withPlaces(error: unknown, kernel: KernelBuild, sources: PatchSources | undefined): Promise<unknown> {
  if (!(error instanceof LockstepError) || sources === undefined) return error;
  const subject = subjectOf(error, kernel);
  if (subject === undefined) return error;
  return new PatchRefusal(error, placesFor(subject, await changedFiles(kernel, sources)));
}

/** The object of a refusal, or what of the tree it calls a file. */
function subjectOf({ kind, reason, fields }: LockstepError, kernel: KernelBuild) {
  const named = fields['object'] ?? (reason === 'unsupported-change' ? fields['file'] : undefined);
  if (kind !== 'refused' || typeof named !== 'string') return undefined;
  const item = [fields['function'], fields['variable'], fields['type']].find((name) => typeof name === 'string');
  const source = kernel.index.objects.find(({ path }) => path === named)?.source ?? named.replace(/\.o$/, '.c');
  return { item: item?.replace(/^(?:struct|union|enum) /, ''), source };
}

/** As their authors wrote them: without the directives that keep line numbers. */
async function changedFiles(kernel: KernelBuild, sources: PatchSources): Promise<ChangedFile[]> {
  const { originals, base, changed } = await readPatch(kernel, sources);
  const written = (text: string | null | undefined): string | null => text?.replace(/^#line \d+\n/gm, '') ?? null;
  return Array.from(changed, ([file, after]) => {
    const before = base.has(file) ? base.get(file) : originals.get(file);
    return { file, before: written(before), after: written(after) };
  });
}
