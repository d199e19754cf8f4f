// SPDX-License-Identifier: GPL-2.0-only
import { concerns, describeObstacle, isFatalTo, seqZero, type Obstacle } from '@lockstep/domain/livepatch-model';
import type { PlannedLoad } from './planned-load';
import type { NodeFactsReport } from './rollout-plan';

/** What a node has told that is in the way of what it has yet to load; for people. */
export interface NodeObstacles {
  /** Its kernel will refuse the load. */
  readonly fatal: readonly string[];
  /** The transition may be held up, or the load be refused where that is not known of the module or a name is not clear. */
  readonly possible: readonly string[];
}

const none: NodeObstacles = { fatal: [], possible: [] };

export function nodeObstacles(report: NodeFactsReport | null, loads: readonly PlannedLoad[]): NodeObstacles {
  const found = report?.obstacles ?? [];
  if (loads.length === 0 || found.length === 0) return none;
  const pending = loads.filter(({ seq }) => seq > (report?.position ?? seqZero));
  if (pending.length === 0) return none;
  const functions = pending.flatMap((load) => load.functions);
  const told: { fatal: string[]; possible: string[] } = { fatal: [], possible: [] };
  for (const obstacle of found) {
    if (obstacle.kind === 'signature-enforced') tellSignatures(obstacle, pending, told);
    else if (concerns(obstacle, functions)) {
      const isFatal = isFatalTo(obstacle, functions);
      (isFatal ? told.fatal : told.possible).push(describeObstacle(obstacle, functions));
    }
  }
  return told;
}

const seqsOf = (loads: readonly PlannedLoad[]): string => loads.map(({ seq }) => `#${seq}`).join(', ');

/** What is signed with a key that the kernel shows is no trouble; what nobody knows of is told, and tried. */
function tellSignatures(
  obstacle: Obstacle,
  pending: readonly PlannedLoad[],
  told: { fatal: string[]; possible: string[] },
): void {
  const { by, trusted } = obstacle;
  const unsigned = pending.filter(({ signer }) => signer === '');
  const foreign = pending.filter(({ signer }) => signer && trusted?.includes(signer) === false);
  const unknown = pending.filter(({ signer }) => signer === undefined || (signer !== '' && trusted === undefined));
  if (unsigned.length > 0) {
    told.fatal.push(
      `The kernel takes no unsigned module (${by}), and ${seqsOf(unsigned)} has no signature for it. Give the build ` +
        'workers a key that the kernel trusts (LOCKSTEP_MODULE_KEY), build the patch again, and append that.',
    );
  }
  if (foreign.length > 0) {
    const keys = [...new Set(foreign.map(({ signer }) => signer))].join(', ');
    told.fatal.push(
      `The kernel takes only modules that it can check (${by}), and shows no key ${keys}, with which ${seqsOf(foreign)} ` +
        'is signed. Enrol that key with the kernel, or sign with one that it trusts.',
    );
  }
  if (unknown.length > 0) told.possible.push(describeObstacle(obstacle));
}
