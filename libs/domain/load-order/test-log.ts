// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import type {
  ArtifactManifest,
  ClusterName,
  KernelBuildId,
  ModuleName,
  PatchedFunction,
  PatchId,
  PatchName,
  Seq,
  Sha256,
} from '@lockstep/domain/livepatch-model';
import { encodeEntry, type EntryBody, type EntrySignature, type LogEntry, type LogName } from './log-entry';
import { currentKey, encodeKeyProof } from './key-rotation';
import type { LogKey } from './log-key';
import { headHash, nextSeq, proposeEntry } from './propose-entry';
import type { LogChecks } from './extend-log';
import { encodeHead, type HeadStatement, type SignedHead } from './signed-head';

// Readable logs for this library's own tests.

export const log: LogName = { cluster: 'web' as ClusterName, kernelBuild: 'ab'.repeat(20) as KernelBuildId };

const sha256 = (data: string | Uint8Array): Sha256 => createHash('sha256').update(data).digest('hex') as Sha256;

/** Stands in for Ed25519: only who knows `key` makes a tag that verifies. */
const tag = (key: string, hash: Sha256): EntrySignature => sha256(`${key} ${hash}`) as string as EntrySignature;

export const checks: LogChecks = {
  hash: sha256,
  verify: (hash, signature) => signature === tag('ours', hash),
  verifyBy: (key, hash, signature) => signature === tag(key, hash),
};

export const functionsOf = (names: string): PatchedFunction[] =>
  Array.from(names, (name) => ({ object: 'vmlinux', name, sympos: 0 }));

export function artifact(name: string, functions: string, replace = false): ArtifactManifest {
  return {
    sha256: sha256(name + functions),
    sizeBytes: 1000,
    kernelBuild: log.kernelBuild,
    moduleName: `lockstep_${name}` as ModuleName,
    patch: sha256(name) as string as PatchId,
    patchName: name as PatchName,
    replace,
    functions: functionsOf(functions),
  };
}

export const load = (
  name: string,
  functions: string,
  overrides: number[] = [],
  builtOnto: number[] = [],
): EntryBody => ({
  kind: 'load',
  artifact: artifact(name, functions),
  overrides: overrides as Seq[],
  builtOnto: builtOnto as Seq[],
});

/** The same, of a module that can be disabled and not unloaded. */
export function staying(name: string, functions: string): EntryBody {
  const caveats = [{ kind: 'stays-loaded' as const, message: `${name} gives tick to mod_timer()` }];
  return { kind: 'load', artifact: { ...artifact(name, functions), caveats }, overrides: [], builtOnto: [] };
}

/** A cumulative patch that contains the entries `contains`. */
export const replace = (name: string, functions: string, contains: number[] = [], drops: number[] = []): EntryBody => ({
  kind: 'load',
  artifact: artifact(name, functions, true),
  overrides: drops as Seq[],
  builtOnto: contains as Seq[],
});

export const retire = (seq: number): EntryBody => ({ kind: 'retire', retires: seq as Seq });

export function sign(entry: Omit<LogEntry, 'hash' | 'signature'>, key = 'ours'): LogEntry {
  const hash = sha256(encodeEntry(entry));
  return { ...entry, hash, signature: tag(key, hash) };
}

/** Stands in for a public key: `tag` signs by its text. */
export const testKey = (number: number): LogKey => `key ${number}` as LogKey;

/** The entry after `entries` that brings `key` in, shown for `place`. */
export function rotateTo(entries: readonly LogEntry[], key: LogKey, place: LogName = log): LogEntry {
  const at = { seq: nextSeq(entries), previousHash: headHash(entries) };
  const proof = tag(key, sha256(encodeKeyProof({ ...place, ...at }, key)));
  const body: EntryBody = { kind: 'rotate', key, proof };
  return sign({ ...log, ...at, body }, currentKey(entries) ?? 'ours');
}

export function signHead(head: HeadStatement): SignedHead {
  return { ...head, signature: tag(head.key ?? 'ours', sha256(encodeHead(head))) };
}

/** A signed log of these bodies. @throws what `proposeEntry` throws. */
export function logOf(...bodies: EntryBody[]): LogEntry[] {
  const entries: LogEntry[] = [];
  for (const body of bodies) entries.push(sign(proposeEntry(log, entries, body)));
  return entries;
}

export const modulesOf = (names: string): ModuleName[] => Array.from(names, (name) => `lockstep_${name}` as ModuleName);
