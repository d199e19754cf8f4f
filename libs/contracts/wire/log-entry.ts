// SPDX-License-Identifier: GPL-2.0-only
import {
  entryVersion,
  parseLogKey,
  readableEntryVersions,
  type EntryBody,
  type EntrySignature,
  type LogEntry,
} from '@lockstep/domain/load-order';
import {
  isCaveatKind,
  LockstepError,
  parseClusterName,
  parseKernelBuildId,
  parseModuleName,
  parsePatchId,
  parsePatchName,
  parseSeq,
  parseSha256,
  type ArtifactManifest,
  type Caveat,
  type PatchedFunction,
  type Seq,
} from '@lockstep/domain/livepatch-model';
import type {
  ArtifactManifest as WireManifest,
  Caveat as WireCaveat,
  LogEntry as WireLogEntry,
  PatchedFunction as WireFunction,
} from '@lockstep/contracts/generated';
import { switchingFromWire, switchingToWire } from './switching';

export function functionToWire({ object, name, sympos }: PatchedFunction): WireFunction {
  return { object, name, sympos };
}

/** @throws LockstepError `invalid-input` when object or name is empty. */
export function functionFromWire({ object, name, sympos }: WireFunction): PatchedFunction {
  if (object === '' || name === '') {
    throw new LockstepError('invalid-input', 'invalid-function', 'A patched function needs an object and a name.', {
      object,
      name,
    });
  }
  return { object, name, sympos };
}

export const caveatToWire = ({ kind, message }: Caveat): WireCaveat => ({ kind, message });

/** @throws LockstepError `invalid-input` for one that this version does not know: what it means could not be heeded. */
function caveatFromWire({ kind, message }: WireCaveat): Caveat {
  if (isCaveatKind(kind)) return { kind, message };
  const text = `A module's caveat is of kind "${kind}", which this program does not know: install a newer one.`;
  throw new LockstepError('invalid-input', 'invalid-caveat', text, { kind });
}

export function manifestToWire(manifest: ArtifactManifest): WireManifest {
  const { sha256, sizeBytes, kernelBuild, moduleName, patch, patchName, replace, functions, caveats } = manifest;
  return {
    sha256,
    sizeBytes,
    kernelBuildId: kernelBuild,
    moduleName,
    patchId: patch,
    patchName,
    replace,
    functions: functions.map(functionToWire),
    caveats: (caveats ?? []).map(caveatToWire),
  };
}

/** @throws LockstepError `invalid-input` at the first field that has not its form. */
export function manifestFromWire(wire: WireManifest): ArtifactManifest {
  return {
    sha256: parseSha256(wire.sha256),
    sizeBytes: wire.sizeBytes,
    kernelBuild: parseKernelBuildId(wire.kernelBuildId),
    moduleName: parseModuleName(wire.moduleName),
    patch: parsePatchId(wire.patchId),
    patchName: parsePatchName(wire.patchName),
    replace: wire.replace,
    functions: wire.functions.map(functionFromWire),
    // As it is signed: none is absent.
    ...(wire.caveats.length > 0 ? { caveats: wire.caveats.map(caveatFromWire) } : {}),
  };
}

function bodyToWire(body: EntryBody): NonNullable<WireLogEntry['body']> {
  switch (body.kind) {
    case 'load': {
      const { artifact, overrides, builtOnto } = body;
      const seqs = { overrides: [...overrides], builtOnto: [...builtOnto] };
      const value = {
        artifact: manifestToWire(artifact),
        ...seqs,
        ...switchingToWire(body),
        mayInterrupt: body.mayInterrupt === true,
      };
      return { $case: 'load', value };
    }
    case 'retire':
      return { $case: 'retire', value: { retires: body.retires } };
    case 'rotate':
      return { $case: 'rotate', value: { publicKey: body.key, proof: body.proof } };
  }
}

const ascendingSeqs = (values: readonly number[]): Seq[] => {
  if (values.some((value, i) => value <= (values[i - 1] ?? 0))) {
    throw new LockstepError('invalid-input', 'invalid-seq', 'Seqs in a log entry must start from 1 and ascend.', {
      seqs: values.map(String),
    });
  }
  return values.map(parseSeq);
};

function bodyFromWire(body: WireLogEntry['body']): EntryBody {
  switch (body?.$case) {
    case 'load': {
      const { artifact, overrides, builtOnto } = body.value;
      if (artifact === undefined) break;
      return {
        kind: 'load',
        artifact: manifestFromWire(artifact),
        overrides: ascendingSeqs(overrides),
        builtOnto: ascendingSeqs(builtOnto),
        ...switchingFromWire(body.value),
        ...(body.value.mayInterrupt ? { mayInterrupt: true } : {}),
      };
    }
    case 'retire':
      return { kind: 'retire', retires: parseSeq(body.value.retires) };
    case 'rotate': {
      const { publicKey, proof } = body.value;
      return { kind: 'rotate', key: parseLogKey(publicKey), proof: proof as EntrySignature };
    }
    case undefined:
  }
  throw new LockstepError(
    'invalid-input',
    'invalid-entry',
    'A log entry must load an artifact, retire a seq or bring in a key.',
  );
}

export function entryToWire(entry: LogEntry): WireLogEntry {
  const { cluster, kernelBuild, seq, previousHash, body, hash, signature } = entry;
  const version = entryVersion(entry);
  return { cluster, kernelBuildId: kernelBuild, seq, previousHash, body: bodyToWire(body), hash, signature, version };
}

/** What a newer control plane signed may say more than is known here: its hash could not be checked. */
function insistReadable({ seq, version }: WireLogEntry): void {
  if (version === 0 || readableEntryVersions.some((known) => known === version)) return;
  const readable = readableEntryVersions.join(', ');
  const message = `Entry #${seq} is of version ${version}; this program reads ${readable}: install a newer one.`;
  throw new LockstepError('refused', 'entry-not-readable', message, { seq, version });
}

/**
 * Form only: hash, signature and rules are `extendLog`'s to check.
 * @throws LockstepError `invalid-input`; `refused` `entry-not-readable` for a version from the future.
 */
export function entryFromWire(wire: WireLogEntry): LogEntry {
  insistReadable(wire);
  return {
    cluster: parseClusterName(wire.cluster),
    kernelBuild: parseKernelBuildId(wire.kernelBuildId),
    seq: parseSeq(wire.seq),
    previousHash: parseSha256(wire.previousHash),
    body: bodyFromWire(wire.body),
    hash: parseSha256(wire.hash),
    signature: wire.signature as EntrySignature,
  };
}
