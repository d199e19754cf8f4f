// SPDX-License-Identifier: GPL-2.0-only

/** Whose word a load order is, and that it does not fall back to somebody else's. */
export const keyGuards = [
  {
    invariant: '3 one history',
    breaks: 'goes along with a log that has not come by the newest key it knows',
    file: 'libs/domain/node-state/advance.ts',
    from: 'if (newest !== undefined && !keysOf(entries).includes(newest))',
    to: 'if (false as boolean)',
    test: 'libs/domain/node-state/advance.test.ts',
  },
  {
    invariant: '3 one history',
    breaks: 'takes a key that was given up for a new one',
    file: 'libs/domain/load-order/extend-log.ts',
    from: 'return keys.includes(body.key) || verify(proven, body.proof) ?',
    to: 'return (false as boolean) ?',
    test: 'libs/domain/load-order/key-rotation.test.ts',
  },
  {
    invariant: '3 one history',
    breaks: 'lets a key be brought in by somebody who has not shown to have it',
    file: 'libs/domain/load-order/extend-log.ts',
    from: 'if (!verifyBy(body.key, proven, body.proof))',
    to: 'if (false as boolean)',
    test: 'libs/domain/load-order/key-rotation.test.ts',
  },
  {
    invariant: '3 one history',
    breaks: 'takes the head of another log for that of its own',
    file: 'libs/domain/load-order/signed-head.ts',
    from: 'if (head.cluster !== log.cluster || head.kernelBuild !== log.kernelBuild)',
    to: 'if (false as boolean)',
    test: 'libs/domain/load-order/signed-head.test.ts',
  },
  {
    invariant: '3 one history',
    breaks: 'raises no alarm when a head has expired',
    file: 'libs/domain/load-order/signed-head.ts',
    from: '): boolean =>\n  nowMs >= expiresAtMs;',
    to: '): boolean =>\n  nowMs < 0 && nowMs >= expiresAtMs;',
    test: 'libs/domain/load-order/signed-head.test.ts',
  },
];
