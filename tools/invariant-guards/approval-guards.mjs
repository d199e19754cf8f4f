// SPDX-License-Identifier: GPL-2.0-only

/** What nothing begins without. */
export const approvalGuards = [
  {
    invariant: '16 nothing begins without its approvals',
    breaks: "counts the author's own approval",
    file: 'libs/domain/rollout-planner/approvals.ts',
    from: 'to === hash && by !== author &&',
    to: 'to === hash &&',
    test: 'libs/testing/planner-sim/planner-sim.test.ts',
  },
  {
    invariant: '16 nothing begins without its approvals',
    breaks: 'counts approvals of another plan',
    file: 'libs/domain/rollout-planner/approvals.ts',
    from: 'to === hash && by !== author &&',
    to: 'to !== undefined && by !== author &&',
    test: 'libs/testing/planner-sim/planner-sim.test.ts',
  },
  {
    invariant: '16 nothing begins without its approvals',
    breaks: 'lets who comes late begin with the approvals of a rollout that needed none',
    file: 'libs/domain/rollout-planner/plan-rollout.ts',
    from: "begins || (mayBegin && status === 'succeeded')",
    to: "begins || (mayBegin !== null && status === 'succeeded')",
    test: 'libs/domain/rollout-planner/approvals.test.ts',
  },
  {
    invariant: '16 nothing begins without its approvals',
    breaks: 'counts approvals that have expired',
    file: 'libs/domain/rollout-planner/approvals.ts',
    from: 'nowMs - atMs < validMs',
    to: 'nowMs - atMs < Infinity',
    test: 'libs/testing/planner-sim/planner-sim.test.ts',
  },
];
