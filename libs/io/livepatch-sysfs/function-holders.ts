// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { Obstacle } from '@lockstep/domain/livepatch-model';
import { foldersOf } from './mounts';
import { readIfTold, type KernelRoots } from './sysfs-view';

// Who else has changed what a function does when it is entered. Ftrace lets one user change where a function goes on:
// a livepatch, a kprobe with a post_handler, or a caller of register_ftrace_direct.

/** A function that ftrace has users on (kernel/trace/ftrace.c, t_show). */
export interface TracedFunction {
  /** `vmlinux:name` or `module:name`. */
  readonly place: string;
  /** Flag I: a user changes where it goes on. */
  readonly isRedirected: boolean;
  /** Flag D, and where its calls go directly; undefined without the flag. */
  readonly direct: string | undefined;
}

/** `meminfo_proc_show [mod] (2) R I D 	tramp: …`, then lines about the same function that begin with a tab. */
export function parseEnabledFunctions(text: string): TracedFunction[] {
  return text.split(/\n(?!\t)/).flatMap((record) => {
    const [, name, module = 'vmlinux', flags = ''] = /^(\S+)(?: \[(\S+)\])? \(\d+\)((?: [A-Z ])*)/.exec(record) ?? [];
    if (name === undefined) return [];
    const [, target = 'a trampoline'] = /direct(?:\(jmp\))?-->([^+\s]+)/.exec(record) ?? [];
    return [
      {
        place: `${module}:${name}`,
        isRedirected: flags.includes('I'),
        direct: flags.includes('D') ? target : undefined,
      },
    ];
  });
}

/** `ffffffff81a3c5b0  k  meminfo_proc_show+0x0    [FTRACE]`, with the module in front of what is in capitals. */
export function parseKprobes(text: string): Set<string> {
  const places = text.split('\n').flatMap((line) => {
    const [, name, module = 'vmlinux'] = /^\S+\s+k\s+([^+\s]+)\+\S+\s+(?:([^\s[]\S*)\s)?/.exec(line) ?? [];
    return name === undefined ? [] : [`${module}:${name}`];
  });
  return new Set(places);
}

/** From 6.0 on a BPF trampoline and a livepatch share a function (ftrace: FTRACE_OPS_CMD_ENABLE_SHARE_IPMODIFY_PEER). */
const bpfShares = (release: string): boolean => Number(/^\d+/.exec(release)?.[0] ?? 0) >= 6;

const bpfTrampoline = /^bpf_trampoline_/;

function obstaclesAt(
  { place, isRedirected, direct }: TracedFunction,
  kprobes: ReadonlySet<string>,
  release: string,
): Obstacle[] {
  if (direct !== undefined && bpfTrampoline.test(direct)) {
    const by = `a BPF trampoline (${direct}; see bpftool link)`;
    // Whoever may have the function itself, it lies on the stacks of those who sleep below it.
    const onStacks = { kind: 'bpf-trampoline', at: place, by } as const;
    return bpfShares(release) ? [onStacks] : [{ kind: 'function-held', at: place, by }, onStacks];
  }
  if (direct !== undefined) return [{ kind: 'function-held', at: place, by: `a direct call of ftrace to ${direct}` }];
  if (!isRedirected) return [];
  const by = kprobes.has(place)
    ? 'a kprobe with a post_handler (see kprobes/list in debugfs; end its tool or remove its module)'
    : 'another user of ftrace that changes where it goes on (see enabled_functions in tracefs)';
  return [{ kind: 'function-held', at: place, by }];
}

/** @param livepatched functions that livepatches themselves redirect, as `vmlinux:name`; undefined where tracefs tells nothing. */
export async function functionHolders(
  roots: KernelRoots,
  release: string,
  livepatched: ReadonlySet<string>,
): Promise<Obstacle[] | undefined> {
  const debug = [path.join(roots.sys, 'kernel/debug'), ...(await foldersOf(roots, 'debugfs'))];
  const tracing = [
    ...[path.join(roots.sys, 'kernel/tracing'), ...(await foldersOf(roots, 'tracefs'))],
    ...debug.map((folder) => path.join(folder, 'tracing')),
  ];
  const texts = await Promise.all(tracing.map((folder) => readIfTold(path.join(folder, 'enabled_functions'))));
  const text = texts.find((each) => each !== undefined);
  if (text === undefined) return undefined;
  const traced = parseEnabledFunctions(text).filter(({ place, isRedirected, direct }) =>
    direct === undefined ? isRedirected && !livepatched.has(place) : true,
  );
  if (traced.length === 0) return [];
  const lists = await Promise.all(debug.map((folder) => readIfTold(path.join(folder, 'kprobes/list'))));
  const kprobes = parseKprobes(lists.find((each) => each !== undefined) ?? '');
  return traced.flatMap((each) => obstaclesAt(each, kprobes, release));
}
