// SPDX-License-Identifier: GPL-2.0-only
import { showFunction, type Obstacle } from '@lockstep/domain/livepatch-model';
import type { ObservedPatch } from '@lockstep/domain/node-state';
import { frozenGroups } from './frozen-groups';
import { functionHolders } from './function-holders';
import { readModuleRules, type ModuleRules } from './module-rules';
import type { KernelRoots } from './sysfs-view';

/** Who else has functions on this host, livepatches not counted; undefined where nothing shows it. */
export async function holdersBeside(
  roots: KernelRoots,
  release: string,
  patches: readonly ObservedPatch[],
): Promise<Obstacle[] | undefined> {
  const own = patches.flatMap((patch) => patch.functions.map((fn) => showFunction({ ...fn, sympos: 0 })));
  return functionHolders(roots, release, new Set(own));
}

function fromRules(rules: ModuleRules): Obstacle[] {
  const { modulesDisabled, ftraceDisabled, lockdown, signaturesEnforced, shownKeys: trusted } = rules;
  const enforcedBy = signaturesEnforced ? 'module.sig_enforce' : lockdown && `it is locked down: ${lockdown}`;
  return [
    ...(modulesDisabled ? [{ kind: 'modules-disabled', at: '', by: '' } as const] : []),
    ...(ftraceDisabled ? [{ kind: 'ftrace-disabled', at: '', by: '' } as const] : []),
    ...(enforcedBy
      ? [{ kind: 'signature-enforced', at: '', by: enforcedBy, ...(trusted && { trusted }) } as const]
      : []),
  ];
}

/** All that can be seen of a host before a load and would be in its way. */
export async function hostObstacles(
  roots: KernelRoots,
  release: string,
  patches: readonly ObservedPatch[],
): Promise<Obstacle[]> {
  const [rules, holders, frozen] = await Promise.all([
    readModuleRules(roots),
    holdersBeside(roots, release, patches),
    frozenGroups(roots),
  ]);
  return [...fromRules(rules), ...(holders ?? []), ...frozen];
}
