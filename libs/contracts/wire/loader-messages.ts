// SPDX-License-Identifier: GPL-2.0-only
import {
  FromLoader,
  ToLoader,
  type Chunk as WireChunk,
  type LoaderFacts,
  type Problem as WireProblem,
} from '@lockstep/contracts/generated';
import {
  LockstepError,
  parseClusterName,
  parseKernelBuildId,
  parseModuleName,
  parseSeq,
  parseSha256,
  type ClusterName,
  type KernelBuildId,
  type Seq,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import { parseLogKey, type LogEntry, type LogKey } from '@lockstep/domain/load-order';
import type { ControlWord, Problem } from '@lockstep/domain/node-state';
import { entryFromWire, entryToWire } from './log-entry';
import { headFromWire, headToWire } from './signed-head';
import { maxMessageBytes } from './message-limit';

/** Of the protocol between the halves of an agent; both are of one installation, so that no other is spoken. */
export const loaderProtocol = 1;

/** Whatever a control plane can say in one message, with what goes around it here. */
export const maxLoaderMessageBytes = maxMessageBytes + 64 * 1024;

const longestReason = 64;
const longestText = 4096;
const longestKey = 1024;
const mostModules = 1024;

/** What the half with the network says. */
export type ToLoaderMessage =
  | {
      readonly kind: 'introduction';
      readonly cluster: ClusterName;
      readonly logPublicKey: string;
      readonly newestLogKey?: LogKey | undefined;
    }
  | { readonly kind: 'word'; readonly word: ControlWord }
  | { readonly kind: 'entries-wanted'; readonly afterSeq: Seq }
  | { readonly kind: 'chunk'; readonly chunk: ModuleChunk };

/** The next bytes of a module, or what is there instead. */
export type ModuleChunk =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  /** `refused` is the control plane's word about the module, `away` trouble on the way to it. */
  | { readonly kind: 'refused' | 'away'; readonly problem: Problem };

/** The kernel that a loader loads into. */
export interface RunningKernel {
  readonly kernelBuild: KernelBuildId;
  /** As `uname -r` prints it. */
  readonly release: string;
  readonly bootId: string;
  readonly patchedCore: boolean;
}

const refused = (message: string): LockstepError => new LockstepError('invalid-input', 'not-for-loader', message);

function bounded(what: string, text: string, longest: number): string {
  if (text.length <= longest) return text;
  throw refused(`${what} of ${text.length} characters is longer than ${longest}.`);
}

const problemFromWire = ({ reason, message }: WireProblem): Problem => ({
  reason: bounded('A reason', reason, longestReason),
  message: bounded('A message', message, longestText),
});

function insistProtocol(protocol: number): void {
  if (protocol === loaderProtocol) return;
  const message = `The other half of this agent speaks version ${protocol} of their protocol, this one ${loaderProtocol}: restart both, from one installation.`;
  throw new LockstepError('refused', 'other-protocol', message, { protocol });
}

const word = (said: ControlWord): ToLoaderMessage => ({ kind: 'word', word: said });

const logOffered = (entries: readonly LogEntry[], fetchWithinMs: number): ControlWord => ({
  ...{ kind: 'log-offered', entries },
  ...(fetchWithinMs > 0 && { fetchWithinMs }),
});

/** @throws whatever cannot be read; of a message from the same installation everything can. */
function toLoaderFromWire({ message }: ToLoader): ToLoaderMessage {
  switch (message?.$case) {
    case 'introduction': {
      const { protocol, cluster, logPublicKey, newestLogPublicKey } = message.value;
      insistProtocol(protocol);
      const key = bounded('A key', logPublicKey, longestKey);
      const newest = newestLogPublicKey === '' ? {} : { newestLogKey: parseLogKey(newestLogPublicKey) };
      return { kind: 'introduction', cluster: parseClusterName(cluster), logPublicKey: key, ...newest };
    }
    case 'sessionOpened':
      return word({ kind: 'session-opened' });
    case 'retryDue':
      return word({ kind: 'retry-due' });
    case 'extension':
      return word(logOffered(message.value.entries.map(entryFromWire), message.value.fetchWithinMs));
    case 'logUnreadable':
      return word({ kind: 'log-unreadable', problem: problemFromWire(message.value) });
    case 'signedHead':
      return word({ kind: 'head-offered', head: headFromWire(message.value) });
    case 'moveTo':
      return word({ kind: 'move-requested', seq: parseSeq(message.value.seq) });
    case 'release':
      return word({
        kind: 'release-requested',
        crashedBoot: bounded('A boot id', message.value.crashedBootId, 64),
      });
    case 'repair': {
      const { modules } = message.value;
      if (modules.length > mostModules) throw refused(`${modules.length} modules are more than ${mostModules}.`);
      return word({ kind: 'repair-requested', modules: modules.map(parseModuleName) });
    }
    case 'entriesWanted':
      return { kind: 'entries-wanted', afterSeq: parseSeq(message.value.afterSeq) };
    case 'chunk': {
      const { data, problem, isRefused } = message.value;
      if (problem !== undefined) {
        const kind = isRefused ? 'refused' : 'away';
        return { kind: 'chunk', chunk: { kind, problem: problemFromWire(problem) } };
      }
      return { kind: 'chunk', chunk: data.length === 0 ? { kind: 'end' } : { kind: 'bytes', bytes: data } };
    }
    case undefined:
      throw refused('It says nothing that a loader knows.');
  }
}

/**
 * What the half with the network has sent, as what it may say. Whoever took that half over sends what they like.
 * @throws LockstepError `invalid-input`, or `refused` `other-protocol`
 */
export function readToLoader(bytes: Uint8Array): ToLoaderMessage {
  let message: ToLoader;
  try {
    message = ToLoader.decode(bytes);
  } catch (cause) {
    throw new LockstepError('invalid-input', 'not-for-loader', 'It is no message.', {}, { cause });
  }
  return toLoaderFromWire(message);
}

function wordToWire(said: ControlWord): ToLoader['message'] {
  switch (said.kind) {
    case 'session-opened':
      return { $case: 'sessionOpened', value: {} };
    case 'retry-due':
      return { $case: 'retryDue', value: {} };
    case 'log-offered':
      return {
        $case: 'extension',
        value: { entries: said.entries.map(entryToWire), traceparent: '', fetchWithinMs: said.fetchWithinMs ?? 0 },
      };
    case 'log-unreadable':
      return { $case: 'logUnreadable', value: problemToWire(said.problem) };
    case 'head-offered':
      return { $case: 'signedHead', value: headToWire(said.head) };
    case 'move-requested':
      return { $case: 'moveTo', value: { seq: said.seq, traceparent: '' } };
    case 'release-requested':
      return { $case: 'release', value: { crashedBootId: said.crashedBoot } };
    case 'repair-requested':
      return { $case: 'repair', value: { modules: [...said.modules] } };
  }
}

function toLoaderToWire(said: ToLoaderMessage): ToLoader['message'] {
  switch (said.kind) {
    case 'introduction':
      return {
        $case: 'introduction',
        value: {
          ...{ protocol: loaderProtocol, cluster: said.cluster, logPublicKey: said.logPublicKey },
          newestLogPublicKey: said.newestLogKey ?? '',
        },
      };
    case 'word':
      return wordToWire(said.word);
    case 'entries-wanted':
      return { $case: 'entriesWanted', value: { afterSeq: said.afterSeq } };
    case 'chunk':
      return { $case: 'chunk', value: chunkToWire(said.chunk) };
  }
}

const problemToWire = ({ reason, message }: Problem): WireProblem => ({
  reason: reason.slice(0, longestReason),
  message: message.slice(0, longestText),
});

function chunkToWire(chunk: ModuleChunk): WireChunk {
  const none = { data: Buffer.alloc(0), problem: undefined, isRefused: false };
  switch (chunk.kind) {
    case 'bytes':
      return { ...none, data: Buffer.from(chunk.bytes) };
    case 'end':
      return none;
    case 'refused':
    case 'away':
      return { ...none, problem: problemToWire(chunk.problem), isRefused: chunk.kind === 'refused' };
  }
}

export const writeToLoader = (said: ToLoaderMessage): Uint8Array =>
  ToLoader.encode({ message: toLoaderToWire(said) }).finish();

export const loaderFactsToWire = (
  { kernelBuild, release, bootId, patchedCore }: RunningKernel,
  rest: { readonly needsBuildSignature: boolean; readonly speaksEveryMs: number },
): LoaderFacts => ({
  ...rest,
  ...{ protocol: loaderProtocol, kernelBuildId: kernelBuild, kernelRelease: release, bootId, patchedCore },
});

/** @throws LockstepError `refused` `other-protocol` */
export function runningKernelFromWire({ protocol, ...facts }: LoaderFacts): RunningKernel {
  insistProtocol(protocol);
  const { kernelBuildId, kernelRelease: release, bootId, patchedCore } = facts;
  return { kernelBuild: parseKernelBuildId(kernelBuildId), release, bootId, patchedCore };
}

export const writeFromLoader = (message: NonNullable<FromLoader['message']>): Uint8Array =>
  FromLoader.encode({ message }).finish();

/** What the loader has sent: it is root on the machine of whoever reads it, and is believed. */
export const readFromLoader = (bytes: Uint8Array): FromLoader['message'] => FromLoader.decode(bytes).message;

/** Where the bytes of a module that the loader wants begin. */
export interface ChunkPlace {
  readonly sha256: Sha256;
  readonly offset: number;
}

export const chunkPlaceFromWire = ({ sha256, offset }: { sha256: string; offset: number }): ChunkPlace => ({
  sha256: parseSha256(sha256),
  offset: parseSeq(offset),
});
