// SPDX-License-Identifier: GPL-2.0-only
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import {
  parseClusterName,
  parseKernelBuildId,
  parseModuleName,
  parsePatchId,
  parsePatchName,
  parseSeq,
  parseSha256,
  isCaveatKind,
  type ArtifactManifest,
} from '@lockstep/domain/livepatch-model';
import {
  parseLogKey,
  type Consistency,
  type EntryBody,
  type EntrySignature,
  type LogEntry as DomainEntry,
} from '@lockstep/domain/load-order';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { LogEntry, PatchedFunction, Schemas } from '../api/schemas';

/** A load order as the domain knows it: what it says of stacks and conflicts is said here with the same words. */
export interface Order {
  readonly cluster: string;
  readonly kernelBuildId: string;
  readonly entries: readonly DomainEntry[];
  /** The key that load orders begin with, PEM. */
  readonly firstKey: string;
  /** Where nodes are told that it ends, since when, and until when they believe it. */
  readonly signedHead: SignedHeadTimes | undefined;
}

export interface SignedHeadTimes {
  readonly seq: number;
  readonly issuedAt: string;
  readonly expiresAt: string;
}

export const functionOf = ({ object = '', name = '', sympos = 0 }: PatchedFunction) => ({ object, name, sympos });

export const artifactOf = (artifact: Schemas['ArtifactManifest']): ArtifactManifest => ({
  sha256: parseSha256(artifact.sha256 ?? ''),
  sizeBytes: artifact.sizeBytes ?? 0,
  kernelBuild: parseKernelBuildId(artifact.kernelBuildId ?? ''),
  moduleName: parseModuleName(artifact.moduleName ?? ''),
  patch: parsePatchId(artifact.patchId ?? ''),
  patchName: parsePatchName(artifact.patchName ?? ''),
  replace: artifact.replace ?? false,
  functions: (artifact.functions ?? []).map(functionOf),
  caveats: (artifact.caveats ?? []).flatMap(({ kind = '', message = '' }) =>
    isCaveatKind(kind) ? [{ kind, message }] : [],
  ),
});

const consistencies: Readonly<Record<NonNullable<Schemas['LoadBody']['consistency']>, Consistency | undefined>> = {
  CONSISTENCY_UNSPECIFIED: undefined,
  CONSISTENCY_PER_TASK: 'per_task',
  CONSISTENCY_SYSTEM: 'system',
  CONSISTENCY_STOP_MACHINE: 'stop_machine',
};

/** 0 stands for what is not said. */
const said = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

function bodyOf({ load, retire, rotate }: LogEntry): EntryBody {
  if (rotate !== undefined) {
    return { kind: 'rotate', key: parseLogKey(rotate.publicKey ?? ''), proof: (rotate.proof ?? '') as EntrySignature };
  }
  if (load === undefined) return { kind: 'retire', retires: parseSeq(retire?.retires ?? 0) };
  return {
    kind: 'load',
    artifact: artifactOf(load.artifact ?? {}),
    overrides: (load.overrides ?? []).map(parseSeq),
    builtOnto: (load.builtOnto ?? []).map(parseSeq),
    consistency: consistencies[load.consistency ?? 'CONSISTENCY_UNSPECIFIED'],
    transitionTimeoutMs: said(load.transitionTimeoutMs),
    stableMs: said(load.stableMs),
    mayInterrupt: load.mayInterrupt === true ? true : undefined,
  };
}

const entryOf = (entry: LogEntry): DomainEntry => ({
  cluster: parseClusterName(entry.cluster ?? ''),
  kernelBuild: parseKernelBuildId(entry.kernelBuildId ?? ''),
  seq: parseSeq(entry.seq ?? 0),
  previousHash: parseSha256(entry.previousHash ?? ''),
  hash: parseSha256(entry.hash ?? ''),
  signature: (entry.signature ?? '') as EntrySignature,
  body: bodyOf(entry),
});

/** @throws LockstepError where an answer holds what no load order does. */
export const orderOf = (answer: Schemas['GetOrderResponse']): Order => {
  const { cluster = '', kernelBuildId = '', entries = [], logPublicKey: firstKey = '', signedHead } = answer;
  const at = (ms = 0): string => new Date(ms).toISOString();
  return {
    ...{ cluster, kernelBuildId, firstKey },
    entries: entries.map(entryOf),
    signedHead: signedHead && {
      seq: signedHead.seq ?? 0,
      issuedAt: at(signedHead.issuedAtMs),
      expiresAt: at(signedHead.expiresAtMs),
    },
  };
};

export interface OrderName {
  readonly cluster: string;
  /** Empty where the cluster's nodes run one kernel build. */
  readonly kernel: string;
}

export const useOrder = ({ cluster, kernel }: OrderName): UseQueryResult<Order> =>
  useQuery({
    queryKey: ['order', cluster, kernel],
    queryFn: async ({ signal }): Promise<Order> => {
      const query = kernel === '' ? {} : { kernelBuildId: kernel };
      return orderOf(
        await answerOf(api.GET('/v1/clusters/{cluster}/order', { signal, params: { path: { cluster }, query } })),
      );
    },
    enabled: cluster !== '',
    refetchInterval: refreshMs,
  });
