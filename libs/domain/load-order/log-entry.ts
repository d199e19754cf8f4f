// SPDX-License-Identifier: GPL-2.0-only
import {
  functionKey,
  type ArtifactManifest,
  type Brand,
  type Caveat,
  type ClusterName,
  type KernelBuildId,
  type PatchedFunction,
  type Seq,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import type { LogKey } from './log-key';

/** How a kernel switches to a livepatch (/sys/kernel/livepatch/consistency). */
export type Consistency = 'per_task' | 'system' | 'stop_machine';

/** How kernels switch to a livepatch, and back, and when a host has come through it. */
export interface Switching {
  /** Undefined: the kernel's own way, as in entries from before there was a choice. */
  readonly consistency?: Consistency | undefined;
  /** After how long a transition is taken back; undefined: `defaultTransitionTimeoutMs`. */
  readonly transitionTimeoutMs?: number | undefined;
  /** How long a host must be well after a load before the load counts as survived; undefined: `defaultStableMs`. */
  readonly stableMs?: number | undefined;
}

/** Loads `artifact` over the stack, shadowing the `overrides` where they share functions. */
export interface LoadBody extends Switching {
  readonly kind: 'load';
  readonly artifact: ArtifactManifest;
  /**
   * Entries of the stack that this one conflicts with: every one, and no other; ascending. Of a `replace` artifact:
   * entries whose place it takes without containing them.
   */
  readonly overrides: readonly Seq[];
  /** Entries whose source changes this artifact contains, because it was built on a tree that has them; ascending. */
  readonly builtOnto: readonly Seq[];
  /** Tasks asleep in what is switched may be woken, and their calls interrupted, rather than that a transition is taken back. */
  readonly mayInterrupt?: true | undefined;
}

/** Takes the load entry at `retires` out of the stack. */
export interface RetireBody {
  readonly kind: 'retire';
  readonly retires: Seq;
}

/** Brings in the key that signs all entries after this one. This one is signed by the key before it. */
export interface RotateBody {
  readonly kind: 'rotate';
  readonly key: LogKey;
  /** Over `encodeKeyProof`, by the new key: who brings it in has it. */
  readonly proof: EntrySignature;
}

export type EntryBody = LoadBody | RetireBody | RotateBody;

/** The history an entry belongs to: nodes of one cluster that run one kernel build. */
export interface LogName {
  readonly cluster: ClusterName;
  readonly kernelBuild: KernelBuildId;
}

export interface UnsignedEntry extends LogName {
  readonly seq: Seq;
  /** Hash of the entry before; `firstPreviousHash` for seq 1. */
  readonly previousHash: Sha256;
  readonly body: EntryBody;
}

export interface HashedEntry extends UnsignedEntry {
  /** sha256 of `encodeEntry` of this entry. */
  readonly hash: Sha256;
}

/** Ed25519 signature over the 32 bytes of the entry's hash, as base64. */
export type EntrySignature = Brand<string, 'EntrySignature'>;

export interface LogEntry extends HashedEntry {
  readonly signature: EntrySignature;
}

/** An entry that loads something: what stacks are made of. */
export type LoadEntry<Entry extends UnsignedEntry = LogEntry> = Entry & { readonly body: LoadBody };

export const firstPreviousHash = '0'.repeat(64) as Sha256;

export type HashBytes = (bytes: Uint8Array) => Sha256;
export type VerifySignature = (hash: Sha256, signature: EntrySignature) => boolean;
/** By a key that the log itself has brought in. */
export type VerifyBy = (key: LogKey, hash: Sha256, signature: EntrySignature) => boolean;

const encodeFunction = (fn: PatchedFunction): unknown => [fn.object, fn.name, fn.sympos === 0 ? 1 : fn.sympos];

const byFunctionKey = (a: PatchedFunction, b: PatchedFunction): number => (functionKey(a) < functionKey(b) ? -1 : 1);

const caveatsOf = ({ artifact }: LoadBody): readonly Caveat[] => artifact.caveats ?? [];

function encodeBody(body: EntryBody): unknown {
  switch (body.kind) {
    case 'load': {
      const { sha256, sizeBytes, kernelBuild, moduleName, patch, patchName, replace, functions } = body.artifact;
      const encodedFunctions = [...functions].sort(byFunctionKey).map(encodeFunction);
      const artifact = [sha256, sizeBytes, kernelBuild, moduleName, patch, patchName, replace, encodedFunctions];
      const caveats = caveatsOf(body).map(({ kind, message }) => [kind, message]);
      const load = ['load', [...artifact, ...(caveats.length > 0 ? [caveats] : [])], body.overrides, body.builtOnto];
      const { consistency, transitionTimeoutMs, stableMs, mayInterrupt } = body;
      if (mayInterrupt === true) {
        return [...load, consistency ?? null, transitionTimeoutMs ?? null, stableMs ?? null, mayInterrupt];
      }
      if (stableMs !== undefined) return [...load, consistency ?? null, transitionTimeoutMs ?? null, stableMs];
      // Older entries lack the one or both, and their hashes stay what they are.
      if (transitionTimeoutMs !== undefined) return [...load, consistency ?? null, transitionTimeoutMs];
      return consistency === undefined ? load : [...load, consistency];
    }
    case 'retire':
      return ['retire', body.retires];
    case 'rotate':
      return ['rotate', body.key, body.proof];
  }
}

/** The versions of entries that this code can read; an agent says them in its hello. */
export const readableEntryVersions = [1, 2, 3, 4, 5] as const;

export type EntryVersion = (typeof readableEntryVersions)[number];

/** The oldest version that can say what the entry says: who reads no newer one can still read it. */
export function entryVersion({ body }: Pick<UnsignedEntry, 'body'>): EntryVersion {
  if (body.kind === 'retire') return 1;
  if (body.kind === 'rotate') return 5;
  if (body.mayInterrupt === true) return 4;
  if (caveatsOf(body).length > 0) return 3;
  return body.stableMs !== undefined ? 2 : 1;
}

/**
 * The bytes that are hashed and so signed: a version line, then JSON arrays in a fixed order. Injective, because
 * arrays keep every boundary; independent of any wire format, so that the history outlives the API's versions.
 */
export function encodeEntry(entry: UnsignedEntry): Uint8Array {
  const { cluster, kernelBuild, seq, previousHash, body } = entry;
  const text = JSON.stringify([cluster, kernelBuild, seq, previousHash, encodeBody(body)]);
  return new TextEncoder().encode(`lockstep log entry ${entryVersion(entry)}\n${text}`);
}
