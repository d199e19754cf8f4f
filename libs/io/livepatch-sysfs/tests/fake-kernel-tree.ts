// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError, type ModuleName, type PatchedFunction } from '@lockstep/domain/livepatch-model';
import type { CallAnswer, ModuleCalls } from '../module-calls';
import type { KernelRoots } from '../sysfs-view';

// sysfs and procfs trees that behave as kernel/livepatch 5.15 does, for this library's tests.

interface FakePatch {
  readonly name: string;
  readonly functions: readonly PatchedFunction[];
  enabled: boolean;
  /** Ticks until its transition ends; undefined outside of one. */
  ticksLeft: number | undefined;
  /** What it was told last: a reversal does not change it. */
  asked: 'patching' | 'unpatching';
  mode: string;
}

/** The patched core's own limits to a system-wide transition. */
export interface FakeLimits {
  readonly timeoutMs: number;
  readonly attempts: number;
}

const tickMs = 3;

export class FakeKernelTree {
  readonly roots: KernelRoots;
  /** Ticks a transition takes; Infinity: it never ends. */
  transitionTicks = 1;
  /** Functions that the next module inserted from this path has. */
  readonly moduleFiles = new Map<string, readonly PatchedFunction[]>();
  readonly grants: string[] = [];
  /** `consistency` as it was when each transition began. */
  readonly switchedWith: string[] = [];
  /** The core's limits as they were then. */
  readonly limitedBy: FakeLimits[] = [];
  /** Lines of transition_stats that name tasks, while a transition in one of the new modes goes on and after. */
  blockers: readonly string[] = [];
  /** Called before an attribute is written: the kernel may do something just then. */
  beforeWrite: (file: string) => void = () => undefined;
  /** Once: what the core takes back by itself, as after its last attempt; its transition_stats then. */
  givesUpWith: string | undefined;
  /** Names in the order of insertion, oldest first. */
  private modules: string[] = [];
  private readonly patches = new Map<string, FakePatch>();
  private readonly ticker: NodeJS.Timeout;
  /** Modules without an exit. */
  readonly permanent = new Set<string>();
  /** What the core tells of the last transition of each livepatch. */
  private readonly lastOf = new Map<string, string>();
  /** Parameters of the module that is being inserted. */
  private given: ReadonlyMap<string, string> = new Map();
  /** How often rmmod finds the module in use. */
  busyRemovals = 0;

  /** `modes`: the core can switch the whole system; told once for all livepatches, or for each of its own. */
  constructor(private readonly options: { readonly patchedCore?: boolean; readonly modes?: 'shared' | 'own' } = {}) {
    const top = mkdtempSync(path.join(tmpdir(), 'lockstep-kernel-'));
    this.roots = { sys: path.join(top, 'sys'), proc: path.join(top, 'proc'), run: path.join(top, 'run') };
    mkdirSync(this.livepatch, { recursive: true });
    mkdirSync(path.join(this.roots.proc, 'sys/kernel/random'), { recursive: true });
    mkdirSync(path.join(this.roots.proc, '42/task/43'), { recursive: true });
    this.writeTaskState(-1);
    writeFileSync(path.join(this.roots.proc, '42/task/43/comm'), 'sleeper\n');
    const frames = ['schedule+0x5e/0xc0', 'one+0x10/0x40', 'seq_read_iter+0x1/0x2'];
    writeFileSync(path.join(this.roots.proc, '42/task/43/stack'), frames.map((each) => `[<0>] ${each}\n`).join(''));
    if (options.patchedCore === true) writeFileSync(path.join(this.livepatch, 'override'), '');
    if (options.modes !== undefined) {
      writeFileSync(path.join(this.livepatch, 'consistency'), 'per_task\n');
      mkdirSync(this.debug, { recursive: true });
      writeFileSync(this.latestStats, '');
      mkdirSync(this.parameters, { recursive: true });
      this.limits = { timeoutMs: 30_000, attempts: 40 };
    }
    this.writeModules();
    this.ticker = setInterval(() => {
      this.tick();
    }, tickMs);
  }

  private get livepatch(): string {
    return path.join(this.roots.sys, 'kernel/livepatch');
  }

  private get debug(): string {
    return path.join(this.roots.sys, 'kernel/debug/livepatch');
  }

  private get latestStats(): string {
    return this.options.modes === 'own'
      ? path.join(this.debug, 'transitions')
      : path.join(this.livepatch, 'transition_stats');
  }

  private get parameters(): string {
    return path.join(this.roots.sys, 'module/livepatch/parameters');
  }

  get limits(): FakeLimits {
    const read = (name: string): number =>
      Number(readFileSync(path.join(this.parameters, `consistency_${name}`), 'utf8'));
    return { timeoutMs: read('timeout_ms'), attempts: read('attempts') };
  }

  set limits({ timeoutMs, attempts }: FakeLimits) {
    writeFileSync(path.join(this.parameters, 'consistency_timeout_ms'), `${timeoutMs}\n`);
    writeFileSync(path.join(this.parameters, 'consistency_attempts'), `${attempts}\n`);
  }

  /** Once: the kernel takes no module, and answers this. */
  refusesWith: CallAnswer | undefined;
  /** How long the next load's system call takes after the module is in effect; who waits for it can do nothing. */
  returnsAfterMs = 0;

  readonly calls: ModuleCalls = {
    insert: (file, parameters) => {
      const { refusesWith } = this;
      this.refusesWith = undefined;
      if (refusesWith !== undefined) return Promise.resolve(refusesWith);
      const functions = this.moduleFiles.get(file);
      if (functions === undefined) {
        const message = `No such file: ${file}`;
        return Promise.reject(new LockstepError('refused', 'module-call-failed', message));
      }
      const module = path.basename(file, '.ko');
      this.readGrant();
      this.given = new Map(
        parameters.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]),
      );
      this.insert(module, functions, this.transitionTicks);
      this.given = new Map();
      return sleep(this.returnsAfterMs, { errno: 0, log: [] });
    },
    // EAGAIN, as for a module in use
    remove: (module) => Promise.resolve({ errno: this.removeModule(module) ? 0 : 11, log: [] }),
  };

  private removeModule(module: string): boolean {
    if (this.patches.has(module) || this.permanent.has(module)) return false;
    if (this.busyRemovals > 0) {
      this.busyRemovals -= 1;
      return false;
    }
    this.modules = this.modules.filter((name) => name !== module);
    this.writeModules();
    return true;
  }

  /** insmod by anybody. */
  insert(name: string, functions: readonly PatchedFunction[], ticks = 0): void {
    this.modules.push(name);
    this.writeModules();
    const patch: FakePatch = { name, functions, enabled: true, ticksLeft: ticks, asked: 'patching', mode: '' };
    this.patches.set(name, patch);
    this.noteMode(patch);
    for (const { object, name: fn, sympos } of functions) {
      mkdirSync(path.join(this.livepatch, name, object, `${fn},${sympos === 0 ? 1 : sympos}`), { recursive: true });
    }
    this.writeFlags(patch);
    if (ticks === 0) this.end(patch);
    if (this.options.patchedCore === true) this.writeOrder();
  }

  /** A module that is loaded but no livepatch in effect. */
  insertPlain(name: string, livepatch: boolean): void {
    this.modules.push(name);
    if (!livepatch) this.plain.add(name);
    this.writeModules();
  }

  private readonly plain = new Set<string>();

  get moduleNames(): readonly string[] {
    return this.modules;
  }

  stop(): void {
    clearInterval(this.ticker);
    rmSync(path.dirname(this.roots.sys), { recursive: true, force: true });
  }

  private readGrant(): void {
    if (this.options.patchedCore !== true) return;
    const grant = readFileSync(path.join(this.livepatch, 'override'), 'utf8');
    if (grant !== '') this.grants.push(grant);
    writeFileSync(path.join(this.livepatch, 'override'), '');
  }

  readonly writeAttribute = (file: string, text: string): Promise<void> => {
    this.beforeWrite(file);
    const name = path.basename(file);
    if (name === 'enabled') return this.enable(file, text === '1');
    writeFileSync(file, text, { flag: name.startsWith('consistency') ? 'w' : 'r+' });
    return Promise.resolve();
  };

  private enable(file: string, wanted: boolean): Promise<void> {
    const patch = this.patches.get(path.basename(path.dirname(file)));
    const refuse = (code: string): Promise<void> => Promise.reject(Object.assign(new Error(code), { code }));
    if (patch === undefined) return refuse('ENOENT');
    if (wanted === patch.enabled) return refuse('EINVAL');
    const reverses = patch.ticksLeft !== undefined;
    // The core makes one transition at a time.
    const others = [...this.patches.values()].filter((other) => other !== patch);
    if (!reverses && others.some(({ ticksLeft }) => ticksLeft !== undefined)) return refuse('EBUSY');
    // A reversal goes back over the tasks already switched: those are not the ones in the way.
    patch.ticksLeft = reverses ? 1 : this.transitionTicks;
    patch.enabled = wanted;
    this.writeFlags(patch);
    if (!reverses) {
      patch.asked = wanted ? 'patching' : 'unpatching';
      this.noteMode(patch);
    }
    return Promise.resolve();
  }

  /** The core gives up a transition that goes on, or it comes to its end, right now. */
  endNow(name: string, { givesUp }: { readonly givesUp: boolean }): void {
    const patch = this.patches.get(name);
    if (patch?.ticksLeft === undefined) return;
    if (givesUp) patch.enabled = !patch.enabled;
    this.end(patch, givesUp ? 'failed' : undefined);
  }

  private tick(): void {
    for (const patch of this.patches.values()) {
      if (patch.ticksLeft === undefined) continue;
      patch.ticksLeft -= 1;
      if (patch.ticksLeft <= 0) this.end(patch);
    }
  }

  private noteMode(patch: FakePatch): void {
    if (this.options.modes === undefined) return;
    const [mode, limits] = this.options.modes === 'own' ? this.ownSettings(patch.name) : this.sharedSettings();
    patch.mode = mode;
    this.switchedWith.push(mode);
    this.limitedBy.push(limits);
    this.writeStats(patch, 'pending');
  }

  private sharedSettings(): [string, FakeLimits] {
    return [readFileSync(path.join(this.livepatch, 'consistency'), 'utf8').trim(), this.limits];
  }

  /** Files of the livepatch; they are made of the parameters that it comes with, or else of what holds for all. */
  private ownSettings(name: string): [string, FakeLimits] {
    const [mode, { timeoutMs, attempts }] = this.sharedSettings();
    const read = (attribute: string, otherwise: string): string => {
      const file = path.join(this.livepatch, name, attribute);
      if (!existsSync(file)) writeFileSync(file, this.given.get(`livepatch.${attribute}`) ?? otherwise);
      return readFileSync(file, 'utf8').trim();
    };
    mkdirSync(path.join(this.livepatch, name), { recursive: true });
    return [
      read('consistency', mode),
      {
        timeoutMs: Number(read('consistency_timeout_ms', String(timeoutMs))),
        attempts: Number(read('consistency_attempts', String(attempts))),
      },
    ];
  }

  private writeStats({ name, mode, asked }: FakePatch, result: string): void {
    if (this.options.modes === undefined) return;
    const lines = [
      `patch ${name}`,
      `mode ${mode}`,
      `direction ${asked}`,
      `result ${result}`,
      'attempts 1',
      ...this.blockers,
    ];
    const text = `${lines.join('\n')}\n`;
    const folder = path.join(this.livepatch, name);
    this.lastOf.set(name, text);
    const isOwn = this.options.modes === 'own';
    mkdirSync(isOwn ? path.join(folder, 'transition_stats') : folder, { recursive: true });
    writeFileSync(this.latestStats, isOwn ? [text, ...this.lastOf.values()].join('') : text);
    if (!isOwn) writeFileSync(path.join(folder, 'transition_stats'), text);
  }

  private end(patch: FakePatch, result?: string): void {
    const gaveUpWith = this.givesUpWith;
    if (gaveUpWith !== undefined) patch.enabled = !patch.enabled;
    const wasReversed = patch.enabled !== (patch.asked === 'patching');
    this.writeStats(patch, result ?? (wasReversed ? 'reversed' : 'switched'));
    if (gaveUpWith !== undefined) writeFileSync(this.latestStats, gaveUpWith);
    this.givesUpWith = undefined;
    patch.ticksLeft = undefined;
    this.writeTaskState(-1);
    if (patch.enabled) {
      this.writeFlags(patch);
      return;
    }
    this.patches.delete(patch.name);
    this.lastOf.delete(patch.name);
    rmSync(path.join(this.livepatch, patch.name), { recursive: true });
    if (this.options.patchedCore === true) this.writeOrder();
  }

  /** Of the one task: -1 outside of a transition, and in one what it is to leave. */
  private writeTaskState(state: -1 | 0 | 1): void {
    writeFileSync(path.join(this.roots.proc, '42/task/43/patch_state'), `${state}\n`);
  }

  private writeFlags(patch: FakePatch): void {
    if (patch.ticksLeft !== undefined) this.writeTaskState(patch.enabled ? 0 : 1);
    writeFileSync(path.join(this.livepatch, patch.name, 'transition'), patch.ticksLeft === undefined ? '0\n' : '1\n');
    writeFileSync(path.join(this.livepatch, patch.name, 'enabled'), patch.enabled ? '1\n' : '0\n');
  }

  private writeOrder(): void {
    [...this.patches.keys()].forEach((name, i) => {
      writeFileSync(path.join(this.livepatch, name, 'stack_order'), `${i + 1}\n`);
    });
  }

  private writeModules(): void {
    const lines = [...this.modules].reverse().map((name) => {
      const taints = this.plain.has(name) ? '' : ' (OEK)';
      const users = this.permanent.has(name) ? '[permanent],' : '-';
      return `${name} 16384 1 ${users} Live 0x0000000000000000${taints}\n`;
    });
    writeFileSync(path.join(this.roots.proc, 'modules'), lines.join(''));
  }

  /** @param file under the folder that has `proc` and `sys` */
  write(file: string, text: string): void {
    const whole = path.join(path.dirname(this.roots.sys), file);
    mkdirSync(path.dirname(whole), { recursive: true });
    writeFileSync(whole, text);
  }

  writeIdentity(notes: Uint8Array): void {
    writeFileSync(path.join(this.roots.sys, 'kernel/notes'), notes);
    writeFileSync(path.join(this.roots.proc, 'sys/kernel/osrelease'), '5.15.135\n');
    writeFileSync(path.join(this.roots.proc, 'sys/kernel/random/boot_id'), 'a-boot\n');
  }
}

export const functionsNamed = (names: string): PatchedFunction[] =>
  names.split(' ').map((name) => ({ object: 'vmlinux', name, sympos: 1 }));

export const moduleName = (name: string): ModuleName => name as ModuleName;
