// SPDX-License-Identifier: GPL-2.0-only
import type { LivepatchFile } from '@lockstep/domain/klp-module';
import {
  describeObstacle,
  functionKey,
  showFunction,
  type ModuleName,
  type Obstacle,
  type PatchedFunction,
} from '@lockstep/domain/livepatch-model';
import type { KernelConflict, ObservedPatch } from '@lockstep/domain/node-state';
import type { LoadEstimate } from '@lockstep/io/livepatch-sysfs';
import { topOwners, type LoadVerdict } from '../host/judge-load';
import { table } from '../table';

export const showFunctions = (functions: readonly PatchedFunction[]): string => functions.map(showFunction).join(', ');

/** What a load does to others, a line each; none when it does nothing. */
export function verdictLines({ conflicts, torn, covered, replaced }: LoadVerdict): string[] {
  return [
    ...conflicts.map(
      (shared) => `conflict: ${showFunction(shared.function)} is owned by ${shared.owners.join(', then ')}`,
    ),
    ...torn.map(
      ({ module, loses, stillRuns }) =>
        `torn: ${module} loses ${showFunctions(loses)} and still runs ${showFunctions(stillRuns)}`,
    ),
    ...covered.map((module) => `covered: nothing of ${module} runs any more`),
    ...replaced.map(({ module, dropped }) =>
      dropped.length === 0
        ? `replaced: ${module}`
        : `replaced: ${module}; the original code runs again in ${showFunctions(dropped)}`,
    ),
  ];
}

const unknownReplace =
  'note: whether it replaces all others is decided when it is loaded (kpatch-build makes modules that do, unless told otherwise); --replace judges it so.';

/** Loads that take less are not worth a line. */
const shownFromMs = 2000;

/** `loading: the kernel looks up 640 symbols one by one, about 12 s`; none for a load that takes no time. */
export const estimateLines = ({ lookups, expectedMs }: LoadEstimate): string[] =>
  expectedMs < shownFromMs
    ? []
    : [`loading: the kernel looks up ${lookups} symbols one by one, about ${Math.ceil(expectedMs / 1000)} s`];

export const obstacleLines = (obstacles: readonly Obstacle[]): string[] =>
  obstacles.map((obstacle) => `in the way: ${describeObstacle(obstacle)}`);

export interface CheckedLoad extends LoadVerdict {
  readonly obstacles: readonly Obstacle[];
  readonly estimate: LoadEstimate;
}

export function checkText(
  { module, functions, replace }: LivepatchFile,
  verdict: CheckedLoad,
  asReplace: boolean,
): string {
  const lines = verdictLines(verdict);
  return [
    `${module} changes ${functions.length === 0 ? 'no function' : showFunctions(functions)}`,
    ...(lines.length === 0 ? ['It conflicts with nothing that is loaded.'] : lines),
    ...obstacleLines(verdict.obstacles),
    ...estimateLines(verdict.estimate),
    ...(replace === null && !asReplace ? [unknownReplace] : []),
  ].join('\n');
}

export interface ListedPatch extends Omit<ObservedPatch, 'enabled' | 'transition'> {
  readonly state: 'enabled' | 'enabling' | 'disabling' | 'not-in-effect';
  /** The kernel's own number for its place, from the bottom; null where the core has none. */
  readonly stackOrder: number | null;
  /** Functions that a livepatch above has taken. */
  readonly shadowed: readonly { readonly function: PatchedFunction; readonly by: ModuleName }[];
}

/** What is listed of livepatches in effect. @param stack bottom first */
export function listPatches(
  stack: readonly ObservedPatch[],
  stackOrders: ReadonlyMap<ModuleName, number>,
): ListedPatch[] {
  const running = topOwners(stack);
  return stack.map(({ module, enabled, transition, functions }) => ({
    module,
    state: enabled ? (transition ? 'enabling' : 'enabled') : 'disabling',
    stackOrder: stackOrders.get(module) ?? null,
    functions,
    shadowed: functions.flatMap((fn) => {
      const by = running.get(functionKey(fn));
      return by === undefined || by === module ? [] : [{ function: fn, by }];
    }),
  }));
}

export function hostTable(patches: readonly ListedPatch[]): string {
  const rows = patches.map(({ module, state, stackOrder, functions, shadowed }) => {
    const by = new Map(shadowed.map((lost) => [functionKey(lost.function), lost.by]));
    const shown = functions.map((fn) => {
      const owner = by.get(functionKey(fn));
      return owner === undefined ? showFunction(fn) : `${showFunction(fn)} (shadowed by ${owner})`;
    });
    return [module, stackOrder === null ? '-' : String(stackOrder), state.replaceAll('-', ' '), shown.join(', ')];
  });
  return table(['LIVEPATCH (BOTTOM FIRST)', 'ORDER', 'STATE', 'FUNCTIONS'], rows, 'No livepatches.');
}

const showOwner = ({ module, knownAs }: KernelConflict['owners'][number], { object }: PatchedFunction): string =>
  knownAs === undefined ? module : `${module} (as ${showFunction({ object, ...knownAs })})`;

export const conflictTable = (conflicts: readonly KernelConflict[], empty: string): string =>
  table(
    ['SHARED FUNCTION', 'LIVEPATCHES (TOP RUNS)'],
    conflicts.map(({ function: fn, owners }) => [
      showFunction(fn),
      owners.map((owner) => showOwner(owner, fn)).join(' > '),
    ]),
    empty,
  );
