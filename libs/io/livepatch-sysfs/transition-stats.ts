// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LockstepError, type ModuleName } from '@lockstep/domain/livepatch-model';
import type { Blocker, Transition } from '@lockstep/domain/node-state';
import { errorCode } from '@lockstep/platform/runtime';
import { debugFolder, livepatchFolder, readIfTold, unlessGone, type KernelRoots } from './sysfs-view';

const modes = ['per_task', 'system', 'stop_machine'] as const;
const directions = ['patching', 'unpatching'] as const;
const results = ['pending', 'switched', 'reversed', 'failed', 'forced'] as const;

function wordOf<Word extends string>(words: readonly Word[], text: string | undefined): Word {
  const word = words.find((each) => each === text);
  if (word !== undefined) return word;
  const message = `The kernel's transition_stats say "${text ?? ''}", which is not understood.`;
  throw new LockstepError('corrupt', 'unknown-transition', message, { text: text ?? '' });
}

/** `PID FUNCTION COMM`, the name to the end of the line. */
function parseBlocker(text: string): Blocker {
  const [, pid = '0', fn = '', comm = ''] = /^(\d+) (\S+) ?(.*)$/.exec(text) ?? [];
  return { pid: Number(pid), function: fn, comm: Buffer.from(comm, 'latin1').toString() };
}

/**
 * What the core tells of a transition: a line `KEY VALUE…` each
 * (Documentation/ABI/testing/sysfs-kernel-livepatch-consistency); lines of later versions are left out.
 * @returns undefined for an empty text: nothing was switched yet
 * @throws LockstepError `corrupt` `unknown-transition`
 */
export function parseTransitionStats(text: string): Transition | undefined {
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.length === 0) return undefined;
  const valueOf = (key: string): string | undefined =>
    lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
  const numbers = (key: string): number[] => (valueOf(key) ?? '').split(' ').map(Number);
  const [attempts = 0] = numbers('attempts');
  const [windowLastNs = 0, windowMaxNs = 0] = numbers('window_ns');
  const [checkedOutside = 0] = numbers('checked_outside');
  const [checkedInside = 0] = numbers('checked_inside');
  const [elapsedMs = 0] = numbers('elapsed_ms');
  const mode = wordOf(modes, valueOf('mode'));
  const result = wordOf(results, valueOf('result'));
  const of = (key: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []));
  const frozen = new Set(of('frozen').map(Number));
  const blockers = of('blocker')
    .map(parseBlocker)
    .map((blocker): Blocker => (frozen.has(blocker.pid) ? { ...blocker, heldBy: 'frozen' } : blocker));
  return {
    module: (valueOf('patch') ?? '') as ModuleName,
    ...{ mode, direction: wordOf(directions, valueOf('direction')), result },
    ...{ attempts, windowLastNs, windowMaxNs, checkedOutside, checkedInside, elapsedMs },
    blockers,
  };
}

/**
 * The text of the core's list of transitions, one after the other: first that which started last, whatever became of its
 * livepatch, then the last one of each livepatch.
 */
function transitionIn(list: string, module: ModuleName | undefined): Transition | undefined {
  const texts = list.split(/^(?=patch )/m);
  return parseTransitionStats(
    module === undefined ? (texts[0] ?? '') : (texts.find((text) => text.startsWith(`patch ${module}\n`)) ?? ''),
  );
}

/** Of the transition that started last, or of one livepatch; undefined where the core has no modes. */
export async function readTransitionStats(roots: KernelRoots, module?: ModuleName): Promise<Transition | undefined> {
  const list = await readIfTold(path.join(debugFolder(roots), 'transitions'));
  if (list !== undefined) return transitionIn(list, module);
  // Earlier patched cores have a text for each in sysfs.
  const file = path.join(livepatchFolder(roots), module ?? '', 'transition_stats');
  const text = await unlessGone(readFile(file, 'latin1').catch(unlessFolder));
  return text === undefined ? undefined : parseTransitionStats(text);
}

/** Where debugfs is not mounted: in sysfs each value has a file of its own, and the list of tasks has none. */
function unlessFolder(error: unknown): undefined {
  if (errorCode(error) === 'EISDIR') return undefined;
  throw error;
}

/** What is known of a transition without the patched core's statistics, but for the tasks in its way. */
export function stockTransition(module: ModuleName, enabling: boolean, elapsedMs: number): Transition {
  const direction = enabling ? 'patching' : 'unpatching';
  const counts = { attempts: 0, windowLastNs: 0, windowMaxNs: 0, checkedOutside: 0, checkedInside: 0 };
  return { module, mode: 'per_task', direction, result: 'pending', ...counts, elapsedMs, blockers: [] };
}

/** `1234 (sshd) in do_work`, `1234 (sshd) in do_work [frozen]` */
export const showBlocker = ({ pid, comm, function: fn, heldBy }: Blocker): string =>
  `${pid} (${comm})${fn === '' ? '' : ` in ${fn}`}${heldBy === undefined ? '' : ` [${heldBy}]`}`;
