// SPDX-License-Identifier: GPL-2.0-only
import {
  concerns,
  describeObstacle,
  LockstepError,
  type ErrorKind,
  type ModuleName,
  type Obstacle,
  type PatchedFunction,
} from '@lockstep/domain/livepatch-model';
import type { CallAnswer } from './module-calls';
import type { ModuleRules } from './module-rules';

/** What the kernel showed just after it had refused a module: its error number alone has several meanings. */
export interface RefusalFacts {
  readonly rules: ModuleRules;
  /** Who has functions that the kernel would not give away; undefined where nothing shows it. */
  readonly holders: readonly Obstacle[] | undefined;
  /** A livepatch that is switching. */
  readonly switching: ModuleName | undefined;
}

interface Refusal {
  readonly kind: ErrorKind;
  readonly reason: string;
  /** What it is, and what to do. */
  readonly says: string;
}

const refused = (reason: string, says: string): Refusal => ({ kind: 'refused', reason, says });
/** It may pass by itself. */
const passing = (reason: string, says: string): Refusal => ({ kind: 'unavailable', reason, says });

const rulesObstacle = (kind: 'modules-disabled' | 'ftrace-disabled'): Refusal =>
  refused(kind, describeObstacle({ kind, at: '', by: '' }));

/** Where securityfs is not mounted the kernel's word is all that tells of a lockdown. */
const lockdownSaid = /^Lockdown: .* is restricted/;

function notPermitted(log: readonly string[], { rules }: RefusalFacts): Refusal {
  if (rules.modulesDisabled) return rulesObstacle('modules-disabled');
  if (!rules.mayLoad)
    return refused(
      'not-permitted',
      'Only root of the host itself (CAP_SYS_MODULE) may load modules, not that of a container.',
    );
  if (rules.lockdown !== undefined || log.some((line) => lockdownSaid.test(line))) {
    const level = rules.lockdown === undefined ? '' : ` (${rules.lockdown})`;
    const says = `The kernel is locked down${level} and takes only signed modules. Sign it with a key that the kernel trusts.`;
    return refused('locked-down', says);
  }
  return refused(
    'not-permitted',
    'A security module or a filter of system calls (seccomp) forbids it: look into its log (audit) and its policy.',
  );
}

/** The function that ftrace did not give away, as the livepatch core names it: EBUSY is 16. */
const takenSaid = /^livepatch: failed to register ftrace handler for function '(.+)' \(-16\)$/m;

function busy(
  log: readonly string[],
  { rules, holders, switching }: RefusalFacts,
  functions: readonly PatchedFunction[],
): Refusal {
  if (switching !== undefined) {
    return passing('transition-busy', `${switching} is in transition: wait until it has ended, or unload it.`);
  }
  if (rules.ftraceDisabled) return rulesObstacle('ftrace-disabled');
  const held = (holders ?? []).filter((holder) => holder.kind === 'function-held' && concerns(holder, functions));
  if (held.length > 0) return refused('function-held', held.map((holder) => describeObstacle(holder)).join(' '));
  const taken = takenSaid.exec(log.join('\n'))?.[1];
  if (holders === undefined && taken !== undefined) {
    const says =
      `${taken} is taken by another user of ftrace: a kprobe with a post_handler, a BPF trampoline, a tracer. Which, ` +
      'tracefs tells, which is not mounted: mount -t tracefs tracefs /sys/kernel/tracing, and look into enabled_functions. ' +
      'Take that away first.';
    return refused('function-held-unseen', says);
  }
  return passing(
    'kernel-busy',
    'The kernel was busy with another transition, which has ended, or is with this module or one of its functions, and does not show with what.',
  );
}

/** The livepatch core's words for a symbol that it does not find, or finds several of. */
const unknownSaid = /^livepatch: (?:symbol .* not found|unresolvable ambiguity for symbol )/m;

function notFound(log: readonly string[], functions: readonly PatchedFunction[]): Refusal {
  const says = 'The livepatch core does not find a function or symbol that it names, or finds several';
  if (!unknownSaid.test(log.join('\n'))) return refused('kernel-refused', `${says}, or a parameter is wrong.`);
  // Of a module another build may come.
  const isOfKernel = functions.every(({ object }) => object === 'vmlinux');
  return refused(isOfKernel ? 'unknown-function' : 'kernel-refused', `${says}. Build it for this kernel.`);
}

/** The kernel's words for a module that was made for another build of it. */
const otherKernel = /version magic|disagrees about version of symbol|no symbol version for/;

const badSignature = (says: string): Refusal =>
  refused('signature-required', `${says} Sign the module with a key that the kernel trusts.`);

/** Where signatures are enforced all of this is EKEYREJECTED, and so is a file that was changed (module_sig_check). */
const unsigned: Readonly<Record<string, string>> = {
  'unsigned module': 'this one has none',
  'module with unavailable key': 'it does not have the key that signed this one',
  'module with unsupported crypto': 'it lacks the algorithm of the signature of this one',
};

function rejectedKey({ log }: CallAnswer, { rules }: RefusalFacts): Refusal {
  const [, what = ''] = /^Loading of (.*) is rejected$/m.exec(log.join('\n')) ?? [];
  const why = unsigned[what];
  if (why !== undefined)
    return badSignature(`The kernel takes only modules with a signature that it can check, and ${why}.`);
  if (log.some((line) => /^Module hash .* is blacklisted$/.test(line))) {
    return badSignature('The kernel’s blacklist has the hash of this module.');
  }
  const changed = 'The module’s signature is not valid: the file was changed after it was signed';
  // Without its words either may be meant.
  return badSignature(
    rules.signaturesEnforced && log.length === 0 ? `${changed}, or has none that the kernel can check.` : `${changed}.`,
  );
}

/** What the kernel says in words, whatever error goes with it: a callback, a module or a symbol of another kernel may give any. */
const told: readonly (readonly [RegExp, Refusal])[] = [
  [
    /pre-patch callback failed for object/,
    passing(
      'callback-refused',
      'A callback of the livepatch itself refused it; what its error means is for its author to say.',
    ),
  ],
  [otherKernel, refused('wrong-kernel', 'The module was built for another kernel. Build it for this one.')],
  [
    /livepatch support is disabled/,
    refused('no-livepatch', 'The kernel was built without livepatching (CONFIG_LIVEPATCH). Boot one that has it.'),
  ],
  [
    /is not compatible with the already installed livepatches/,
    refused(
      'state-incompatible',
      'A livepatch that is loaded modifies a system state of the same ID in a later version, or one that this livepatch ' +
        'would replace and does not know: retire that one first, or build this one for its state.',
    ),
  ],
  [
    /failed to find location for function/,
    refused(
      'not-patchable',
      'The kernel cannot patch that function: it has no ftrace entry (notrace, or it is assembly). Change its callers.',
    ),
  ],
  [
    / changes function .* twice, also as /,
    refused('function-twice', 'The livepatch has one function under two of its names: build it with one of them.'),
  ],
  [
    /in use whenever all CPUs are stopped/,
    refused(
      'consistency-unsupported',
      'That function is in use whenever all CPUs stop, so that it can never be switched at one instant: load it with consistency per_task.',
    ),
  ],
  [
    / (?:invalid|too large) for parameter /,
    refused('wrong-parameter', 'The value of a module parameter is not allowed.'),
  ],
];

// include/uapi/asm-generic/errno-base.h, errno.h
function refusalFor(
  answer: CallAnswer,
  facts: RefusalFacts,
  functions: readonly PatchedFunction[],
): Refusal | undefined {
  switch (answer.errno) {
    case 1: // EPERM
    case 13: // EACCES
      return notPermitted(answer.log, facts);
    case 2: // ENOENT
      return refused('unknown-symbol', 'The kernel lacks a symbol that the module needs. Build it for this kernel.');
    case 4: // EINTR
    case 11: // EAGAIN
      return passing('load-interrupted', 'The load was interrupted before it began. Try again.');
    case 8: // ENOEXEC
      return refused(
        'malformed-module',
        'The file is no module that this kernel can link: it is damaged, or made for another machine.',
      );
    case 12: // ENOMEM
      return passing('no-memory', 'The machine is out of memory.');
    case 16: // EBUSY
      return busy(answer.log, facts, functions);
    case 19: // ENODEV
      return refused(
        'ftrace-off',
        'The kernel’s function tracer has switched itself off after a fault that it found ("ftrace bug" in dmesg), or livepatching did not start: reboot.',
      );
    case 17: // EEXIST
      return refused('module-exists', 'A module of that name is loaded. Unload it first.');
    case 22: // EINVAL
      return notFound(answer.log, functions);
    case 26: // ETXTBSY
      return passing('file-written', 'The module file is open for writing. Try again when it is complete.');
    case 38: // ENOSYS
      return refused('no-modules', 'The kernel has no loadable modules (CONFIG_MODULES).');
    case 65: // ENOPKG
      return badSignature('The kernel lacks the algorithm of the module’s signature.');
    case 74: // EBADMSG
      return badSignature('The module’s signature is malformed.');
    case 76: // ENOTUNIQ
      return refused('kernel-refused-conflict', 'The livepatch core refuses a conflict with another livepatch.');
    case 126: // ENOKEY
      return badSignature(
        'The kernel takes only signed modules, and this one has no signature, or one by an unknown key.',
      );
    case 127: // EKEYEXPIRED
    case 128: // EKEYREVOKED
      return badSignature('The key that signed the module has expired or was revoked.');
    case 129: // EKEYREJECTED
      return rejectedKey(answer, facts);
    default:
      return undefined;
  }
}

/** Enough for a module that lacks many symbols to be understood. */
const shownLines = 5;

/** What was logged meanwhile about this module or by the livepatch core. */
const aboutIt = (module: ModuleName, log: readonly string[]): readonly string[] =>
  log.filter((line) => line.includes(module) || line.startsWith('livepatch:'));

/** If nothing was, all of it. */
function toldOf(module: ModuleName, log: readonly string[]): readonly string[] {
  const about = aboutIt(module, log);
  return (about.length > 0 ? about : log).slice(0, shownLines);
}

/**
 * What stays as it is until the host is changed or boots, or another module comes: an agent sees such a change. What it cannot
 * see is none of it, as a function that is held where tracefs does not tell by whom.
 */
const lastingReasons: ReadonlySet<string> = new Set([
  'consistency-unsupported',
  'ftrace-disabled',
  'ftrace-off',
  'function-held',
  'function-twice',
  'locked-down',
  'malformed-module',
  'module-kept',
  'modules-disabled',
  'no-livepatch',
  'no-modules',
  'not-patchable',
  'signature-required',
  'state-incompatible',
  'unknown-function',
  'wrong-kernel',
  'wrong-parameter',
]);

/** Does trying a load again change nothing by itself? */
export const isLasting = ({ reason }: LockstepError): boolean => lastingReasons.has(reason);

/** Why the kernel did not take a module, and what to do about it. */
export function whyNotLoaded(
  module: ModuleName,
  functions: readonly PatchedFunction[],
  answer: CallAnswer,
  facts: RefusalFacts,
): LockstepError {
  const unknown = refused('load-refused', 'What that means is in the kernel’s log (dmesg).');
  const about = aboutIt(module, answer.log).join('\n');
  const inWords = told.find(([words]) => words.test(about))?.[1];
  const { kind, reason, says } = inWords ?? refusalFor(answer, facts, functions) ?? unknown;
  const log = toldOf(module, answer.log);
  const logged = log.length === 0 ? '' : ` The kernel's log: ${log.join(' / ')}`;
  const message = `The kernel did not take ${module} (error ${answer.errno}). ${says}${logged}`;
  return new LockstepError(kind, reason, message, { module, errno: answer.errno, log });
}

/** Whether a module has gone; false while it is still in use. @throws LockstepError where it cannot go. */
export function hasGone(module: ModuleName, { errno, log }: CallAnswer, rules: ModuleRules): boolean {
  switch (errno) {
    case 0:
    case 2: // ENOENT
      return true;
    case 11: // EAGAIN
    case 16: // EBUSY
      return false;
  }
  const reason = errno === 1 ? notPermitted(log, { rules, holders: [], switching: undefined }) : undefined;
  const says = reason?.says ?? `The kernel's log: ${log.slice(0, shownLines).join(' / ') || 'nothing'}`;
  const message = `Module ${module} could not be removed (error ${errno}). ${says}`;
  throw new LockstepError('refused', reason?.reason ?? 'unload-refused', message, { module, errno });
}
