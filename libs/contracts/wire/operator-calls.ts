// SPDX-License-Identifier: GPL-2.0-only
import type {
  AccessServiceService,
  AuditServiceService,
  BuildServiceService,
  CampaignServiceService,
  FleetServiceService,
} from '@lockstep/contracts/generated';
import type { Verb } from '@lockstep/domain/access';

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
  /** What it does, as rights are given. */
  readonly verb: Verb;
}

const read = { repeat: 'reads', answer: 'parts', verb: 'look' } as const;
const watch = { repeat: 'reads', answer: 'events', verb: 'look' } as const;
const keyed = { repeat: 'keyed', answer: 'whole' } as const;
const same = { repeat: 'same', answer: 'whole' } as const;

/**
 * Every call of the operator port. One that is new does not compile until it is decided here what repeating it does, and
 * who may make it.
 */
export const operatorCalls = {
  createCluster: { ...keyed, verb: 'set-up' },
  updateCluster: { ...keyed, verb: 'set-up' },
  listClusters: read,
  // The token's secret is kept by nobody here, so it cannot be told twice; one that nobody got expires unused.
  createJoinToken: { repeat: 'spare', answer: 'whole', verb: 'admit' },
  listNodes: read,
  watchNodes: watch,
  getNode: read,
  getExposure: read,
  getCensus: read,
  removeNode: { ...keyed, verb: 'admit' },
  labelNodes: { ...keyed, verb: 'admit' },
  revokeNode: { ...keyed, verb: 'admit' },
  // It names the crash that it releases.
  releaseNode: { ...same, verb: 'roll-out' },
  listDrift: read,
  // It names what the node has shown.
  repairNode: { ...same, verb: 'roll-out' },
  checkConflicts: read,
  getOrder: read,
  appendLoad: { ...keyed, verb: 'order' },
  appendRetire: { ...keyed, verb: 'order' },
  recoverOrder: { repeat: 'keyed', answer: 'parts', verb: 'order' },
  rotateLogKey: { ...keyed, verb: 'set-up' },
  planRollout: read,
  startRollout: { ...keyed, verb: 'roll-out' },
  breakGlass: { ...keyed, verb: 'break-glass' },
  confirmRollout: { ...keyed, verb: 'approve' },
  pauseRollout: { ...keyed, verb: 'roll-out' },
  resumeRollout: { ...keyed, verb: 'roll-out' },
  abortRollout: { ...keyed, verb: 'roll-out' },
  retryRollout: { ...keyed, verb: 'roll-out' },
  approveRollout: { ...keyed, verb: 'approve' },
  rejectRollout: { ...keyed, verb: 'approve' },
  addWindow: { ...keyed, verb: 'set-up' },
  listWindows: read,
  removeWindow: { ...keyed, verb: 'set-up' },
  // Whoever rolls out may hold everybody up; to let them go again takes who sets the rules.
  addFreeze: { ...keyed, verb: 'roll-out' },
  listFreezes: read,
  removeFreeze: { ...keyed, verb: 'set-up' },
  planRollback: read,
  // Whoever may roll out may append: its route asks for that too.
  rollBackRollout: { ...keyed, verb: 'roll-out' },
  listRollouts: read,
  getRollout: read,
  reviewRollout: read,
  watchRollouts: watch,
  watchRollout: watch,
  planCampaign: read,
  // Who may roll out everywhere in it, and order there: its route asks for that.
  startCampaign: { ...keyed, verb: 'roll-out' },
  listCampaigns: read,
  getCampaign: read,
  watchCampaign: watch,
  pauseCampaign: { ...keyed, verb: 'roll-out' },
  resumeCampaign: { ...keyed, verb: 'roll-out' },
  abortCampaign: { ...keyed, verb: 'roll-out' },
  // A rollout that takes another one back names it, and is not begun twice.
  rollBackCampaign: { ...same, verb: 'roll-out' },
  approveCampaign: { ...keyed, verb: 'approve' },
  listEvents: read,
  watchEvents: watch,
  addWebhook: { ...keyed, verb: 'set-up' },
  listWebhooks: read,
  removeWebhook: { ...keyed, verb: 'set-up' },
  // Another test does no harm.
  testWebhook: { repeat: 'spare', answer: 'whole', verb: 'set-up' },
  rotateWebhookSecret: { ...keyed, verb: 'set-up' },
  getSystem: { repeat: 'reads', answer: 'whole', verb: 'look' },
  // Who asks for a folder while it is read follows the same work; read again, it is the same kernel build.
  addKernel: { repeat: 'same', answer: 'events', verb: 'register' },
  listKernels: read,
  // A patch is named by its content, and has one build for each kernel build and stack.
  submitPatch: { ...same, verb: 'build' },
  combinePatches: { ...same, verb: 'build' },
  explainPatch: read,
  getProvenance: read,
  listPatches: read,
  getPatch: read,
  listBuilds: read,
  getBuild: read,
  watchBuild: watch,
  // A build that was cancelled is cancelled.
  cancelBuild: { ...same, verb: 'build' },
  whoAmI: { repeat: 'reads', answer: 'whole', verb: 'ask-self' },
  createToken: { ...keyed, verb: 'grant' },
  listTokens: { ...read, verb: 'grant' },
  revokeToken: { ...keyed, verb: 'grant' },
  // Its secret is kept by nobody here; one that nobody got expires unused.
  beginSession: { repeat: 'spare', answer: 'whole', verb: 'sign-in' },
  // Who has ended it is not known any more.
  endSession: { repeat: 'spare', answer: 'whole', verb: 'sign-in' },
  listAuthorities: read,
  prepareAuthority: { ...keyed, verb: 'set-up' },
  activateAuthority: { ...keyed, verb: 'set-up' },
  retireAuthority: { ...keyed, verb: 'set-up' },
  readAudit: { ...watch, verb: 'audit' },
} as const satisfies Readonly<
  Record<
    | keyof typeof FleetServiceService
    | keyof typeof BuildServiceService
    | keyof typeof AccessServiceService
    | keyof typeof AuditServiceService
    | keyof typeof CampaignServiceService,
    OperatorCall
  >
>;

export type OperatorCallName = keyof typeof operatorCalls;

/** Metadata: why somebody does what a call does, in their own words (UTF-8, at most 1,000 bytes). */
export const becauseHeader = 'lockstep-because-bin';

/** Metadata of a `keyed` call: 16 to 64 letters, digits or dashes that no other call has. */
export const callKeyHeader = 'lockstep-call-key';
