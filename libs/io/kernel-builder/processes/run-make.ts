// SPDX-License-Identifier: GPL-2.0-only
import { makeLimits } from './limits';
import type { CommandOptions, CommandResult } from './run-command';
import { runSandboxed } from './sandbox';
import { writable, type Mount } from './sandbox-view';

export interface MakeOptions extends Pick<CommandOptions, 'signal' | 'onLine' | 'inheritedDescriptor'> {
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** What it sees; by default the tree, to write into. */
  readonly mounts?: readonly Mount[] | undefined;
}

/**
 * For trees of which single objects are all that is ever made: resolve_btfids works on what is linked, and to compile it takes as
 * long as all the rest of `make modules_prepare`.
 */
export const forObjectsAlone = ['--assume-old=tools/bpf/resolve_btfids'];

/**
 * make in a kernel tree, in a sandbox that has the tree and the toolchain.
 * @throws LockstepError `limit-exceeded`
 */
export async function runMake(
  treeDir: string,
  args: readonly string[],
  { mounts = [writable(treeDir)], ...rest }: MakeOptions = {},
): Promise<CommandResult> {
  const options = { ...rest, what: `make ${args.at(-1) ?? ''}`, cwd: treeDir, mounts, limits: makeLimits() };
  return runSandboxed('make', args, options);
}
