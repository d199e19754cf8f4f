// SPDX-License-Identifier: GPL-2.0-only
import { isPcRelative, relocationType, sectionFlag } from '@lockstep/domain/elf';
import type { ObjectDiff, Piece, PieceRelocation } from '@lockstep/domain/object-diff';
import { flowsFromContent, flowsFromFrame, flowsOf, type AddressFlow } from './address-flow';

/*
 * A new function lives in the livepatch module. Who holds its address may call it when the patch is long disabled; then
 * the module must still be there.
 */

/**
 * Callbacks of RCU run once each; the module's exit waits for them (rcu_barrier()), if they do not ask for another. Those
 * of its kin (call_rcu_tasks(), call_srcu()) have barriers of their own, and so few fixes that the module stays for them.
 */
const waitedFor = new Set(['call_rcu', 'call_rcu_hurry']);

/** They call what they are given before they return, and keep nothing of it. */
const callsAtOnce = new Set([
  ...['klp_shadow_alloc', 'klp_shadow_get_or_alloc', 'klp_shadow_free', 'klp_shadow_free_all'],
  ...['sort', 'sort_r', 'list_sort', 'bsearch', 'stop_machine', 'stop_machine_cpuslocked', 'work_on_cpu'],
  ...['iterate_supers', 'iterate_supers_type', 'iterate_fd', 'iget5_locked', 'ilookup5', 'insert_inode_locked4'],
  ...['walk_page_range', 'walk_page_range_novma', 'walk_page_vma', 'apply_to_page_range', 'idr_for_each'],
  ...['bus_for_each_dev', 'bus_for_each_drv', 'bus_find_device', 'class_for_each_device', 'class_find_device'],
  ...['device_for_each_child', 'device_find_child', 'driver_for_each_device', 'kallsyms_on_each_symbol'],
  ...['walk_system_ram_range', 'walk_iomem_res_desc', '__wait_on_bit', '__wait_on_bit_lock', 'out_of_line_wait_on_bit'],
]);

/**
 * They use what they are given of a function's own frame before it goes, and copy nothing of it: whoever waits, and what
 * is asked of strings, locks and timers. Others take a struct of functions apart and keep them (netlink_dump_start()).
 */
const usesFrame =
  /^(?:prepare_to_s?wait\w*|finish_s?wait\w*|(?:__)?(?:add|remove)_(?:s?wait_queue)\w*|init_wait\w*|do_wait_intr\w*|wait_woken|(?:io_)?schedule\w*|wait_for_completion\w*|complete(?:_all)?|__init_swait_queue_head|iterate_dir|poll_(?:init|free)wait|hrtimer_\w+|destroy_\w+_on_stack|(?:add|mod|del|try_to_del|timer_delete|timer_shutdown)_?(?:timer|sync)\w*|flush_\w*work\w*|cancel_\w*work\w*|(?:__)?mutex_\w+|_raw_\w+|memset|mem(?:cmp|chr)|str\w+|v?s\w*printf|_?copy_(?:from|to)_user|__stack_chk_fail)$/;

/** They put what they are given onto lists of the kernel, or queue work of it: data of the module, too, is then called for later. */
const registers =
  /^(?:(?:\w*_)?register(?:_\w*)?$|__percpu_counter_init|cdev_add|netif_napi_add|(?:__)?(?:mod_timer|add_timer|timer_reduce)|queue_\w*work|mod_delayed_work|hrtimer_start|\w*chain_register|kthread_|task_work_add|irq_work_queue|tasklet_|__tasklet_|add_wait_queue|request_\w*irq|__cpuhp_|misc_register|(?:__)?device_(?:add|register)|kobject_(?:add|init)|sysfs_create|debugfs_create|proc_create|seq_open|init_timer_key|call_srcu|synchronize_srcu|(?:start_)?poll_(?:state_)?synchronize_srcu)/;

/** The compiler's ways to call through a pointer where processors guess too much. */
const pointerThunk = /^__x86_indirect_(?:thunk|call_thunk|jump_thunk)_/;

/** They keep the name that they are given, and copy nothing of it. */
const keepsNames = /^(?:(?:devm_)?request_\w*irq|__(?:devm_)?request_region|__class_create|class_create)$/;

/** What netlink's callers are told of a mistake is read before they return. */
const isMessage = (name: string): boolean => /^__msg(?:\.\d+)?$/.test(name);

/** One line for each reason why the module must stay for good; empty if it may go. */
export function whatOutlives(diffs: readonly ObjectDiff[]): string[] {
  const newNames = new Set(diffs.flatMap(({ newGlobals }) => newGlobals.map(({ name }) => name)));
  return [...new Set(diffs.flatMap((diff) => new Outliving(diff, newNames).reasons()))];
}

class Outliving {
  /** Pieces that redirected functions are made of: who has their address has the kernel's own. */
  private readonly replaced: ReadonlySet<number>;

  constructor(
    private readonly diff: ObjectDiff,
    private readonly newNames: ReadonlySet<string>,
  ) {
    this.replaced = new Set(diff.functions.map(({ piece }) => piece));
  }

  /** Pieces that may run in a callback of RCU: what they ask RCU for comes after the barrier. */
  private get afterGrace(): ReadonlySet<number> {
    this.reachedFromCallbacks ??= this.reachedFrom(
      this.diff.pieces.filter(isCode).flatMap((piece) =>
        piece.relocations.flatMap((relocation) => {
          const held = this.heldFunction(relocation);
          if (held?.piece === undefined) return [];
          const isWaitedFor = this.receivers(piece, relocation).some((name) => waitedFor.has(name ?? ''));
          return isWaitedFor ? [held.piece] : [];
        }),
      ),
    );
    return this.reachedFromCallbacks;
  }

  private reachedFromCallbacks: ReadonlySet<number> | undefined;

  private reachedFrom(roots: readonly number[]): ReadonlySet<number> {
    const reached = new Set(roots);
    for (const index of reached) {
      for (const { target } of this.diff.pieces[index]?.relocations ?? []) {
        if (target.kind === 'piece') reached.add(target.piece);
      }
    }
    return reached;
  }

  /** Who is given what a reference means; null among them for whoever is not said. */
  private receivers(piece: Piece, relocation: PieceRelocation): (string | null)[] {
    return flowsOf(piece, relocation).map((flow) => (flow.kind === 'given' ? this.calledAt(piece, flow.call) : null));
  }

  reasons(): string[] {
    return this.diff.pieces.flatMap((piece) =>
      piece.relocations.flatMap((relocation) => {
        const held = this.heldFunction(relocation) ?? this.heldVariable(relocation);
        const read = isCode(piece) ? this.ofContent(piece, relocation) : [];
        if (held === null) return read;
        return isCode(piece) ? [...this.inCode(piece, relocation, held), ...read] : this.inData(piece, held);
      }),
    );
  }

  /** The new function whose address a relocation may be; null if it means something else. */
  private heldFunction({ target, type, addend }: PieceRelocation): Held | null {
    if (!isEntry(type, addend)) return null;
    if (target.kind === 'kernel') {
      const { name = '', scope } = this.diff.kernelSymbols[target.symbol] ?? {};
      return scope === 'global' && this.newNames.has(name) ? { kind: 'function', name } : null;
    }
    const piece = this.diff.pieces[target.piece];
    if (piece?.symbol?.type !== 'function' || this.replaced.has(target.piece) || /\.cold\b/.test(piece.symbol.name))
      return null;
    return { kind: 'function', name: piece.symbol.name, piece: target.piece };
  }

  private heldVariable({ target, type, addend }: PieceRelocation): Held | null {
    if (target.kind !== 'piece') return null;
    const piece = this.diff.pieces[target.piece];
    // A list links members, which may lie anywhere in what has them.
    const isInside = !isPcRelative(type) && addend >= 0 && addend < (piece?.sizeBytes ?? 0);
    if (!isEntry(type, addend) && !isInside) return null;
    if (piece === undefined || !isVariable(piece) || piece.symbol?.type === 'function') return null;
    if ((piece.sectionFlags & sectionFlag.write) !== 0)
      return piece.symbol === null ? null : { kind: 'state', name: piece.symbol.name };
    if (piece.symbol === null) return { kind: 'string', name: textOf(piece) };
    return isMessage(piece.symbol.name) ? null : { kind: 'constant', name: piece.symbol.name };
  }

  /** What code does with the addresses of strings and variables that it reads from a variable of the module's. */
  private ofContent(piece: Piece, relocation: PieceRelocation): string[] {
    const { target } = relocation;
    const table = target.kind === 'piece' ? this.diff.pieces[target.piece] : undefined;
    if (table === undefined || !isVariable(table) || table.symbol?.type === 'function') return [];
    const pointedAt = table.relocations.flatMap((one) => this.heldVariable(one) ?? []);
    if (pointedAt.length === 0) return [];
    const kinds = pointedAt.map(({ kind }) => kind);
    const name = `what ${table.symbol?.name ?? 'a constant without a name'} points at`;
    const held: Held = {
      kind: kinds.find((kind) => kind === 'state') ?? kinds.find((kind) => kind !== 'string') ?? 'string',
      name,
    };
    return flowsFromContent(piece, relocation).flatMap((flow) => this.variableFlow(piece, flow, held));
  }

  private inCode(piece: Piece, relocation: PieceRelocation, held: Held): string[] {
    return flowsOf(piece, relocation, held.kind !== 'function').flatMap((flow) =>
      held.kind === 'function' ? this.functionFlow(piece, flow, held) : this.variableFlow(piece, flow, held),
    );
  }

  private variableFlow(piece: Piece, flow: AddressFlow, { kind, name }: Held): string[] {
    const owner = piece.symbol?.name ?? piece.section;
    if (flow.kind === 'stored') return this.isInOwn(piece, flow) ? [] : [`${owner} stores the address of ${name}`];
    if (flow.kind === 'returned') {
      const isReturn = flow.jump === null || this.calledAt(piece, flow.jump) === '__x86_return_thunk';
      // Names are mostly only shown.
      return isReturn && kind !== 'string' ? [`${owner} returns the address of ${name}`] : [];
    }
    const receiver = flow.kind === 'given' ? this.calledAt(piece, flow.call) : null;
    // A wait queue that is polled, for one: whoever polls keeps an entry in it. Constants are mostly copied.
    if (kind === 'state' && this.isThroughPointer(piece, flow))
      return [`${owner} gives ${name} to a function that it calls through a pointer`];
    const keeps = kind === 'string' ? keepsNames : registers;
    return receiver !== null && keeps.test(receiver) ? [`${owner} gives ${name} to ${receiver}()`] : [];
  }

  private functionFlow(piece: Piece, flow: AddressFlow, held: Held): string[] {
    const owner = piece.symbol?.name ?? piece.section;
    if (flow.kind === 'on-stack') return this.frameFlow(piece, flow.displacement, held);
    const receiver = flow.kind === 'given' ? this.calledAt(piece, flow.call) : null;
    if (receiver === null) return [`${owner} stores the address of ${held.name}`];
    if (callsAtOnce.has(receiver)) return [];
    if (waitedFor.has(receiver)) {
      // What another object defines is not seen through.
      const isOnce = held.piece !== undefined && !this.afterGrace.has(this.diff.pieces.indexOf(piece));
      return isOnce ? [] : [`${owner} gives ${held.name} to ${receiver}(), again and again`];
    }
    return [`${owner} gives ${held.name} to ${receiver}()`];
  }

  /** The frame is gone when its function returns, which holds up the patch until then; what is copied from it is not. */
  private frameFlow(piece: Piece, displacement: number, { name }: Held): string[] {
    const owner = piece.symbol?.name ?? piece.section;
    return flowsFromFrame(piece, displacement).flatMap((flow) => {
      if (flow.kind === 'stored') return [`${owner} stores the address of ${name}`];
      if (flow.kind !== 'given') return [];
      const receiver = this.calledAt(piece, flow.call);
      if (receiver !== null && (callsAtOnce.has(receiver) || usesFrame.test(receiver))) return [];
      return [`${owner} gives a struct with the address of ${name} to ${receiver ?? 'another function'}()`];
    });
  }

  /** Whether the instruction writes to a variable of the module's: that goes when the module does. */
  private isInOwn({ relocations }: Piece, { start, end }: { start: number; end: number }): boolean {
    return relocations.some(({ offset, target, type }) => {
      const isPlace = offset >= start && offset < end && isPcRelative(type) && target.kind === 'piece';
      return isPlace && this.diff.pieces[target.piece]?.symbol?.type === 'object';
    });
  }

  /** But for operations of a virtual machine's, as the one that gives a lock free: they keep nothing. */
  private isThroughPointer(piece: Piece, flow: AddressFlow): boolean {
    if (flow.kind === 'given') return pointerThunk.test(this.namedAt(piece, flow.call) ?? '');
    if (flow.kind !== 'given-through-pointer') return false;
    return !piece.relocations.some(({ offset, target }) => {
      const isOfCall = offset >= flow.start && offset < flow.end && target.kind === 'kernel';
      return isOfCall && this.diff.kernelSymbols[target.symbol]?.name === 'pv_ops';
    });
  }

  /** A variable that holds the function's address outlives as what gets the variable does. */
  private inData(piece: Piece, held: Held): string[] {
    if (held.kind !== 'function' || !isVariable(piece)) return [];
    const index = this.diff.pieces.indexOf(piece);
    const receivers = this.diff.pieces.filter(isCode).flatMap((code) =>
      code.relocations.flatMap((relocation) => {
        if (relocation.target.kind !== 'piece' || relocation.target.piece !== index) return [];
        return isEntry(relocation.type, relocation.addend) ? this.receivers(code, relocation) : [null];
      }),
    );
    if (receivers.length > 0 && receivers.every((name) => callsAtOnce.has(name ?? ''))) return [];
    return [`${piece.symbol?.name ?? 'a constant without a name'} holds the address of ${held.name}`];
  }

  /** Who is called by the relocation at an offset of a piece; null where that is not said by name. */
  private calledAt(piece: Piece, at: number): string | null {
    const name = this.namedAt(piece, at);
    return name === null || pointerThunk.test(name) ? null : name;
  }

  private namedAt({ relocations }: Piece, at: number): string | null {
    const target = relocations.find(({ offset }) => offset === at)?.target;
    if (target === undefined) return null;
    return target.kind === 'kernel'
      ? (this.diff.kernelSymbols[target.symbol]?.name ?? null)
      : (this.diff.pieces[target.piece]?.symbol?.name ?? null);
  }
}

interface Held {
  readonly kind: 'function' | 'state' | 'constant' | 'string';
  readonly name: string;
  /** Undefined where another object defines it. */
  readonly piece?: number;
}

const isCode = ({ sectionFlags }: Piece): boolean => (sectionFlags & sectionFlag.exec) !== 0;

/** Tables of code sites only tell places. */
const isVariable = ({ section }: Piece): boolean => /^\.(?:data|rodata|bss)/.test(section);

/** A string as C writes it, for people; any other constant without a name is only called that. */
function textOf({ bytes }: Piece): string {
  const end = bytes.indexOf(0);
  const text = String.fromCharCode(...bytes.subarray(0, Math.max(0, end)));
  return /^[\x20-\x7e]+$/.test(text) && end === bytes.length - 1 ? JSON.stringify(text) : 'a constant without a name';
}

/** The start of what is meant, not a place inside. */
const isEntry = (type: number, addend: number): boolean =>
  isPcRelative(type) ? addend <= -4 && addend >= -8 : addend === 0 && type !== relocationType.none;
