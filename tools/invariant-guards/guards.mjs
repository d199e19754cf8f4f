// SPDX-License-Identifier: GPL-2.0-only

/**
 * For each invariant of docs/ARCHITECTURE.md: a way to break it in the code, and the test that must then fail.
 * `from` stands exactly once in `file`.
 */
export const guards = [
  {
    invariant: '1 order',
    breaks: 'loads the rest of a stack from the top',
    file: 'libs/domain/load-order/stack-steps.ts',
    from: '...target.slice(common).map((entry) => load(entry))];',
    to: '...target.slice(common).reverse().map((entry) => load(entry))];',
    test: 'libs/domain/load-order/stack-steps.test.ts',
  },
  {
    invariant: '2 forward only',
    breaks: 'obeys a target that is not above the one it has',
    file: 'libs/domain/node-state/advance.ts',
    from: 'const refused = seq <= target ||',
    to: 'const refused =',
    test: 'libs/domain/node-state/advance.test.ts',
  },
  {
    invariant: '3 one history',
    breaks: 'takes entries without looking at the signature',
    file: 'libs/domain/load-order/extend-log.ts',
    from: 'if (!verify(next.hash, next.signature))',
    to: 'if (false as boolean)',
    test: 'libs/domain/load-order/extend-log.test.ts',
  },
  {
    invariant: '3 one history',
    breaks: 'skips entries it knows without comparing them: a fork passes',
    file: 'libs/domain/load-order/extend-log.ts',
    from: 'if (same.hash !== next.hash)',
    to: 'if (false as boolean)',
    test: 'libs/domain/load-order/extend-log.test.ts',
  },
  {
    invariant: '3 one history',
    breaks: 'does not chain entries',
    file: 'libs/domain/load-order/extend-log.ts',
    from: 'if (next.previousHash !== headHash(entries))',
    to: 'if (false as boolean)',
    test: 'libs/domain/load-order/extend-log.test.ts',
  },
  {
    invariant: '4 no silent conflict',
    breaks: 'appends a conflict that no override names',
    file: 'libs/domain/load-order/propose-entry.ts',
    from: 'if (unnamed.length > 0)',
    to: 'if (false as boolean)',
    test: 'libs/domain/load-order/propose-entry.test.ts',
  },
  {
    invariant: '4 no silent conflict',
    breaks: 'takes sympos 0 and 1 for two functions',
    file: 'libs/domain/livepatch-model/patched-function.ts',
    from: '${sympos === 0 ? 1 : sympos}` as FunctionKey',
    to: '${sympos}` as FunctionKey',
    test: 'libs/domain/conflicts/conflicts.test.ts',
  },
  {
    invariant: '5 same set, wrong order',
    breaks: 'compares sets of names instead of sequences',
    file: 'libs/domain/load-order/stack-steps.ts',
    from: 'held[common] === target[common]?.body.artifact.moduleName',
    to: 'target.some((entry) => entry.body.artifact.moduleName === held[common])',
    test: 'libs/domain/load-order/stack-steps.test.ts',
  },
  {
    invariant: '6 foreign livepatches',
    breaks: 'goes on although the kernel holds a livepatch that no entry explains',
    file: 'libs/domain/node-state/next-move.ts',
    from: 'if (foreign.length > 0)',
    to: 'if (false as boolean)',
    test: 'libs/domain/node-state/advance.test.ts',
  },
  {
    invariant: '6 foreign livepatches',
    breaks: 'takes any module under a name of the log for its own',
    file: 'libs/domain/node-state/next-move.ts',
    from: 'return contains(seen, signed) && (patch.transition || seen.size === signed.size);',
    to: 'return true;',
    test: 'libs/domain/node-state/advance.test.ts',
  },
  {
    invariant: '6 foreign livepatches',
    breaks: 'sends a diverged node on in a rollout',
    file: 'libs/domain/rollout-planner/standing.ts',
    from: "if (report.condition === 'diverged')",
    to: 'if (false as boolean)',
    test: 'libs/domain/rollout-planner/plan-rollout.test.ts',
  },
  {
    invariant: '2 forward only',
    breaks: 'starts a rollout to behind where nodes were sent',
    file: 'libs/domain/rollout-planner/refuse-rollout.ts',
    from: 'return policy.toSeq < furthest ?',
    to: 'return (false as boolean) ?',
    test: 'libs/domain/rollout-planner/refuse-rollout.test.ts',
  },
];
