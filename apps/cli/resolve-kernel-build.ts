// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { listAll } from '@lockstep/io/rpc-client';
import type { TaskContext } from './cli';

export const kernelBuildOption = ['--kernel-build <id>', 'kernel build id, or its unique beginning'] as const;

/**
 * The whole id of the kernel build that `given` begins; '' for none given, which leaves the choice to the server.
 * @throws LockstepError `unknown-kernel-build` or `ambiguous-kernel-build`.
 */
export async function resolveKernelBuild(
  { build, signal }: Pick<TaskContext, 'build' | 'signal'>,
  given: string | undefined,
): Promise<string> {
  if (given === undefined) return '';
  const kernelBuilds = await listAll(build.listKernels, {}, (answer) => answer.kernelBuilds, { signal });
  const [match, ...others] = kernelBuilds.map(({ id }) => id).filter((id) => id.startsWith(given));
  if (match !== undefined && others.length === 0) return match;
  const known = kernelBuilds.map(({ id }) => id);
  throw match === undefined
    ? new LockstepError('not-found', 'unknown-kernel-build', `No kernel build begins with ${given}: see "kernel ls".`, {
        given,
        known,
      })
    : new LockstepError('invalid-input', 'ambiguous-kernel-build', `Several kernel builds begin with ${given}.`, {
        given,
        known,
      });
}
