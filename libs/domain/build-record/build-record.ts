// SPDX-License-Identifier: GPL-2.0-only
import {
  parseKernelBuildId,
  parseModuleName,
  parsePatchId,
  parseSha256,
  type KernelBuildId,
  type ModuleName,
  type PatchId,
  type Sha256,
} from '@lockstep/domain/livepatch-model';

/** A diff that went into a build. */
export interface RecordedDiff {
  readonly name: string;
  readonly sha256: Sha256;
}

/** What a module was built from, by whom: nothing of the moment or the machine, so that the same build records the same. */
export interface BuildRecord {
  readonly module: ModuleName;
  readonly patch: PatchId;
  /** In the order in which they were applied. */
  readonly diffs: readonly RecordedDiff[];
  /** Applied before: what the kernel has loaded below it. */
  readonly onto: readonly RecordedDiff[];
  readonly kernelBuild: KernelBuildId;
  /** As `uname -r` prints it. */
  readonly release: string;
  /** Of the kernel's .config. */
  readonly configSha256: Sha256;
  /** `gcc (Debian 12.2.0-14+deb12u1) 12.2.0` */
  readonly compiler: string;
  /** Of Lockstep, which built it. */
  readonly builderVersion: string;
  /** Two workers have built it, the same byte for byte, before any key signed it. */
  readonly reproduced?: true;
}

const mark = new TextEncoder().encode('~Lockstep build record 1~\n');
const lengthBytes = 4;
/** A record of thousands of diffs is none. */
const longestBytes = 1 << 20;

/** The module with its record behind its last section, where kernels pass over it; a build signature goes behind both. */
export function withBuildRecord(module: Uint8Array, record: BuildRecord): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(record));
  const bytes = new Uint8Array(module.length + text.length + lengthBytes + mark.length);
  bytes.set(module);
  bytes.set(text, module.length);
  new DataView(bytes.buffer).setUint32(module.length + text.length, text.length, true);
  bytes.set(mark, module.length + text.length + lengthBytes);
  return bytes;
}

/**
 * What was recorded in a module, whose build signature has been taken off.
 * @returns null where nothing was, or not in its form
 */
export function readBuildRecord(content: Uint8Array): BuildRecord | null {
  const lengthAt = content.length - mark.length - lengthBytes;
  if (lengthAt < 0 || !mark.every((byte, index) => content[lengthAt + lengthBytes + index] === byte)) return null;
  const length = new DataView(content.buffer, content.byteOffset).getUint32(lengthAt, true);
  if (length > Math.min(lengthAt, longestBytes)) return null;
  try {
    return parseRecord(JSON.parse(new TextDecoder().decode(content.subarray(lengthAt - length, lengthAt))));
  } catch {
    return null;
  }
}

/** @throws any error where a field has not its form */
function parseRecord(value: unknown): BuildRecord {
  const record = value as Record<keyof BuildRecord, unknown>;
  return {
    module: parseModuleName(text(record.module)),
    patch: parsePatchId(text(record.patch)),
    diffs: list(record.diffs).map(parseDiff),
    onto: list(record.onto).map(parseDiff),
    kernelBuild: parseKernelBuildId(text(record.kernelBuild)),
    release: text(record.release),
    configSha256: parseSha256(text(record.configSha256)),
    compiler: text(record.compiler),
    builderVersion: text(record.builderVersion),
    ...(record.reproduced === true ? { reproduced: true } : {}),
  };
}

const parseDiff = (value: unknown): RecordedDiff => {
  const diff = value as Record<keyof RecordedDiff, unknown>;
  return { name: text(diff.name), sha256: parseSha256(text(diff.sha256)) };
};

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('no text');
  return value;
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError('no list');
  return value;
}
