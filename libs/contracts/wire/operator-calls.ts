// SPDX-License-Identifier: GPL-2.0-only
import type { BuildServiceService, FleetServiceService } from '@lockstep/contracts/generated';

/**
 * What becomes of a call that is sent again because its answer was lost:
 * - `reads`: it changes nothing;
 * - `same`: to do it again leaves, and answers, what doing it once does, by its nature;
 * - `keyed`: the client names the call by a key of its own making, and the control plane keeps the answer with that key,
 *   in the transaction that does what was asked for: asked again it answers as it did;
 * - `spare`: each time makes one more, and one that nobody got does no harm.
 */
export type Repeat = 'reads' | 'same' | 'keyed' | 'spare';

/**
 * How the answer comes:
 * - `whole`: one message;
 * - `parts`: messages that joined are one, for what may be longer than a message;
 * - `events`: a message for each change.
 */
export type AnswerForm = 'whole' | 'parts' | 'events';

export interface OperatorCall {
  readonly repeat: Repeat;
  readonly answer: AnswerForm;
}

const read = { repeat: 'reads', answer: 'parts' } as const;
const watch = { repeat: 'reads', answer: 'events' } as const;
const keyed = { repeat: 'keyed', answer: 'whole' } as const;
const same = { repeat: 'same', answer: 'whole' } as const;

/** Every call of the operator port. One that is new does not compile until it is decided here what repeating it does. */
export const operatorCalls = {
  createCluster: keyed,
  updateCluster: keyed,
  listClusters: read,
  // The token's secret is kept by nobody here, so it cannot be told twice; one that nobody got expires unused.
  createJoinToken: { repeat: 'spare', answer: 'whole' },
  listNodes: read,
  getNode: read,
  removeNode: keyed,
  labelNodes: keyed,
  // It names the crash that it releases.
  releaseNode: same,
  checkConflicts: read,
  getOrder: read,
  appendLoad: keyed,
  appendRetire: keyed,
  recoverOrder: { repeat: 'keyed', answer: 'parts' },
  startRollout: keyed,
  pauseRollout: keyed,
  resumeRollout: keyed,
  abortRollout: keyed,
  retryRollout: keyed,
  listRollouts: read,
  getRollout: read,
  watchRollout: watch,
  // Who asks for a folder while it is read follows the same work; read again, it is the same kernel build.
  addKernel: { repeat: 'same', answer: 'events' },
  listKernels: read,
  // A patch is named by its content, and has one build for each kernel build and stack.
  submitPatch: same,
  combinePatches: same,
  explainPatch: read,
  listPatches: read,
  getPatch: read,
  listBuilds: read,
  getBuild: read,
  watchBuild: watch,
  // A build that was cancelled is cancelled.
  cancelBuild: same,
} as const satisfies Readonly<
  Record<keyof typeof FleetServiceService | keyof typeof BuildServiceService, OperatorCall>
>;

export type OperatorCallName = keyof typeof operatorCalls;

/** Metadata of a `keyed` call: 16 to 64 letters, digits or dashes that no other call has. */
export const callKeyHeader = 'lockstep-call-key';
