// SPDX-License-Identifier: GPL-2.0-only
import type { HeardHead, SignedHead as WireHead } from '@lockstep/contracts/generated';
import { parseClusterName, parseKernelBuildId, parseSeq, parseSha256 } from '@lockstep/domain/livepatch-model';
import {
  hasExpired,
  heardUntilMs,
  parseLogKey,
  type EntrySignature,
  type SignedHead,
} from '@lockstep/domain/load-order';
import type { NodeView } from '@lockstep/domain/node-state';

export function headToWire({
  cluster,
  kernelBuild,
  seq,
  hash,
  key,
  issuedAtMs,
  expiresAtMs,
  signature,
}: SignedHead): WireHead {
  return { cluster, kernelBuildId: kernelBuild, seq, hash, publicKey: key ?? '', issuedAtMs, expiresAtMs, signature };
}

/** Form only: `refuseHead` looks whose it is. @throws LockstepError `invalid-input`. */
export function headFromWire(wire: WireHead): SignedHead {
  return {
    cluster: parseClusterName(wire.cluster),
    kernelBuild: parseKernelBuildId(wire.kernelBuildId),
    seq: parseSeq(wire.seq),
    hash: parseSha256(wire.hash),
    key: wire.publicKey === '' ? undefined : parseLogKey(wire.publicKey),
    issuedAtMs: wire.issuedAtMs,
    expiresAtMs: wire.expiresAtMs,
    signature: wire.signature as EntrySignature,
  };
}

/** By the node's clock or by ours: it has heard for a day of no end of its log. */
export const isHeadOverdue = (heard: HeardHead | undefined, nowMs: number): boolean =>
  heard !== undefined && (heard.expired || (heard.expiresAtMs > 0 && hasExpired(heard, nowMs)));

/** What a node has heard of its log's end, or how long it has heard nothing; undefined where it does not know that. */
export function heardHeadToWire(
  { signedHead, headRefusal, followsSinceMs }: NodeView,
  nowMs: number,
): HeardHead | undefined {
  const untilMs = heardUntilMs(signedHead, followsSinceMs);
  if (untilMs === undefined && headRefusal === undefined) return undefined;
  const { seq = 0, issuedAtMs = 0 } = signedHead ?? {};
  const expiresAtMs = untilMs ?? 0;
  const expired = untilMs !== undefined && hasExpired({ expiresAtMs }, nowMs);
  return { seq, issuedAtMs, expiresAtMs, expired, refused: headRefusal ?? '' };
}
