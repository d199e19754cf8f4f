// SPDX-License-Identifier: GPL-2.0-only
import type { Brand } from './brand';
import { LockstepError } from './lockstep-error';

/** sha256 as 64 lower-case hex digits. */
export type Sha256 = Brand<string, 'Sha256'>;
/** GNU build-id of vmlinux (40 hex digits as ld makes it; any whole bytes are taken): names a kernel build. */
export type KernelBuildId = Brand<string, 'KernelBuildId'>;
/** A patch's content hash: sha256 over its diff and metadata. */
export type PatchId = Brand<string, 'PatchId'>;
export type PatchName = Brand<string, 'PatchName'>;
export type ClusterName = Brand<string, 'ClusterName'>;
export type NodeName = Brand<string, 'NodeName'>;
/** A module's name as the kernel shows it under /sys/module: `-` is `_`, under MODULE_NAME_LEN (56) bytes. */
export type ModuleName = Brand<string, 'ModuleName'>;
/** 1-based index in a load order; 0 only as a position, "nothing yet". */
export type Seq = Brand<number, 'Seq'>;

// The brand is the caller's word for what the pattern proves.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
function parser<T extends string>(what: string, pattern: RegExp, form: string): (text: string) => T {
  return (text) => {
    if (!pattern.test(text)) {
      throw new LockstepError('invalid-input', 'invalid-name', `"${text}" is not a ${what}: ${form}.`, { what, text });
    }
    return text as T;
  };
}

const slug = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const slugForm = 'use 1 to 63 of a-z, 0-9 and "-", not at the ends';

export const parseSha256 = parser<Sha256>('sha256', /^[0-9a-f]{64}$/, 'use 64 lower-case hex digits');
export const parsePatchId = parser<PatchId>('patch id', /^[0-9a-f]{64}$/, 'use 64 lower-case hex digits');
export const parseKernelBuildId = parser<KernelBuildId>(
  'kernel build id',
  /^(?:[0-9a-f]{2}){8,32}$/,
  'use the hex digits of the GNU build-id of vmlinux',
);
export const parsePatchName = parser<PatchName>('patch name', slug, slugForm);
/** Of a patch that is new: digits alone mean a seq wherever patches are named. Older ones keep the names they have. */
export const parseNewPatchName = parser<PatchName>(
  'patch name',
  /^(?=.*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  `${slugForm}, at least one of them a letter`,
);
export const parseClusterName = parser<ClusterName>('cluster name', slug, slugForm);
/** A host's name, with its domain or without. */
export const parseNodeName = parser<NodeName>(
  'node name',
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/,
  'use parts of 1 to 63 of a-z, 0-9 and "-", not at the ends, with dots between them, 253 in all',
);
export const parseModuleName = parser<ModuleName>(
  'module name',
  /^[A-Za-z0-9_]{1,55}$/,
  'use 1 to 55 of letters, digits and "_"',
);

/** @throws LockstepError `invalid-input` unless it is a whole number of at least 0. */
export function parseSeq(value: number): Seq {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new LockstepError('invalid-input', 'invalid-seq', `${value} is not a seq: use a whole number from 0.`, {
      value,
    });
  }
  return value as Seq;
}

/** The position of a node that has nothing to hold yet. */
export const seqZero = 0 as Seq;
