// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Obstacle, TaskHolder } from '@lockstep/domain/livepatch-model';
import type { Blocker } from '@lockstep/domain/node-state';
import { frozenGroups } from './frozen-groups';
import { unlessGone, type KernelRoots } from './sysfs-view';

/** Functions of the section that /proc/PID/stack leaves out (kernel/sched, in_sched_functions). */
async function readSchedFunctions({ proc }: KernelRoots): Promise<ReadonlySet<string>> {
  const symbols = await readFile(path.join(proc, 'kallsyms'), 'latin1').catch(() => '');
  const names = new Set<string>();
  const boundary = (name: string): bigint =>
    BigInt(`0x${new RegExp(`^([0-9a-f]+) \\S ${name}$`, 'm').exec(symbols)?.[1] ?? '0'}`);
  const [start, end] = [boundary('__sched_text_start'), boundary('__sched_text_end')];
  // Addresses are shown to root alone.
  if (start === 0n) return names;
  for (const [, address = '', name = ''] of symbols.matchAll(/^([0-9a-f]+) [tTwW] (\S+)$/gm)) {
    const at = BigInt(`0x${address}`);
    if (at >= start && at < end) names.add(name);
  }
  return names;
}

/** `12:freezer:/jail/one` → `/jail/one` */
const freezerPath = (cgroup: string): string | undefined =>
  /^\d+:(?:[^:]*,)?freezer(?:,[^:]*)?:(.*)$/m.exec(cgroup)?.[1];

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
    const group = frozen.length === 0 ? undefined : freezerPath(await this.read(blocker, 'cgroup'));
    if (group !== undefined && frozen.some((each) => isBelow(group, each))) return held('frozen');
    if (bpf.test(blocker.function) || bpf.test(await this.read(blocker, 'stack'))) return held('bpf-program');
    if (blocker.function !== '' || !isAsleep(await this.read(blocker, 'stat'))) return blocker;
    this.schedFunctions ??= readSchedFunctions(this.roots);
    const sched = await this.schedFunctions;
    const hidden = switched.filter((name) => sched.has(name));
    return hidden.length === 0 ? blocker : held('hidden-sleep', hidden.join(' or '));
  }

  private async read({ pid }: Blocker, file: string): Promise<string> {
    return (await unlessGone(readFile(path.join(this.roots.proc, String(pid), file), 'latin1')).catch(() => '')) ?? '';
  }
}
