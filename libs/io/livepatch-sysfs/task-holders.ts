// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Obstacle, TaskHolder } from '@lockstep/domain/livepatch-model';
import type { Blocker } from '@lockstep/domain/node-state';
import { frozenGroups, isFrozenByVersion2 } from './frozen-groups';
import { unlessGone, type KernelRoots } from './sysfs-view';

/**
 * Functions of the section that /proc/PID/stack leaves out (kernel/sched, in_sched_functions). Where addresses are not shown,
 * not even to root (kernel.kptr_restrict is 2), those that are listed between its ends: the kernel's own are in order.
 */
async function readSchedFunctions({ proc }: KernelRoots): Promise<ReadonlySet<string>> {
  const symbols = await readFile(path.join(proc, 'kallsyms'), 'latin1').catch(() => '');
  const [start, end] = ['start', 'end'].map((which) =>
    new RegExp(`^([0-9a-f]+) \\S __sched_text_${which}$`, 'm').exec(symbols),
  );
  if (start == null || end == null) return new Set();
  const [from, to] = [start, end].map(([, address = '']) => BigInt(`0x${address}`)) as [bigint, bigint];
  const isIn = ({ index, 1: address = '' }: RegExpExecArray): boolean => {
    if (from === 0n) return index > start.index && index < end.index;
    const at = BigInt(`0x${address}`);
    return at >= from && at < to;
  };
  const functions = [...symbols.matchAll(/^([0-9a-f]+) [tTwW] (\S+)$/gm)].filter(isIn).map(([, , name = '']) => name);
  return new Set(functions.filter((name) => !name.startsWith('__sched_text_')));
}

/** `12:freezer:/jail/one` → `/jail/one` */
const freezerPath = (cgroup: string): string | undefined =>
  /^\d+:(?:[^:]*,)?freezer(?:,[^:]*)?:(.*)$/m.exec(cgroup)?.[1];

/** `0::/user.slice/one` → `/user.slice/one` */
const unifiedPath = (cgroup: string): string | undefined => /^0::(.*)$/m.exec(cgroup)?.[1];

const isBelow = (group: string, { at }: Obstacle): boolean =>
  group === at || group.startsWith(at === '/' ? at : `${at}/`);

/** Frames and the core's own word for what it could not get past. */
const bpf = /\bbpf_(?:trampoline|prog)_/;

const isAsleep = (stat: string): boolean => /^\d+ \(.*\) [SDI] /s.test(stat);

/** Finds out what holds tasks that are in the way, of any core: looked at are only those that were named. */
export class TaskHolders {
  /** They stay as they are until the machine boots. */
  private schedFunctions: Promise<ReadonlySet<string>> | undefined;

  constructor(private readonly roots: KernelRoots) {}

  /** @param switched functions of the livepatch */
  async explain(blockers: readonly Blocker[], switched: readonly string[]): Promise<Blocker[]> {
    if (blockers.length === 0) return [];
    const frozen = await frozenGroups(this.roots);
    return Promise.all(blockers.map((blocker) => this.explainOne(blocker, switched, frozen)));
  }

  private async explainOne(
    blocker: Blocker,
    switched: readonly string[],
    frozen: readonly Obstacle[],
  ): Promise<Blocker> {
    // Idle tasks have no folder. The core itself may have said what it is.
    if (blocker.pid === 0 || blocker.heldBy !== undefined) return blocker;
    const held = (heldBy: TaskHolder, fn = blocker.function): Blocker => ({ ...blocker, function: fn, heldBy });
    if (await this.isFrozen(blocker, frozen)) return held('frozen');
    if (bpf.test(blocker.function) || bpf.test(await this.read(blocker, 'stack'))) return held('bpf-program');
    if (blocker.function !== '' || !isAsleep(await this.read(blocker, 'stat'))) return blocker;
    this.schedFunctions ??= readSchedFunctions(this.roots);
    const sched = await this.schedFunctions;
    const hidden = switched.filter((name) => sched.has(name));
    return hidden.length === 0 ? blocker : held('hidden-sleep', hidden.join(' or '));
  }

  private async isFrozen(blocker: Blocker, frozen: readonly Obstacle[]): Promise<boolean> {
    const groups = await this.read(blocker, 'cgroup');
    const [group, unified] = [freezerPath(groups), unifiedPath(groups)];
    if (group !== undefined && frozen.some((each) => isBelow(group, each))) return true;
    return unified !== undefined && isFrozenByVersion2(this.roots, unified);
  }

  private async read({ pid }: Blocker, file: string): Promise<string> {
    return (await unlessGone(readFile(path.join(this.roots.proc, String(pid), file), 'latin1')).catch(() => '')) ?? '';
  }
}
