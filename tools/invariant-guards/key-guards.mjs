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
  {
    invariant: '3 one history',
    breaks: 'believes a head that is dated years ahead',
    file: 'libs/domain/load-order/signed-head.ts',
    from: "if (isDatedAhead(head, nowMs)) return 'dated-ahead';",
    to: "if (head.issuedAtMs > Infinity) return 'dated-ahead';",
    test: 'libs/domain/load-order/signed-head.test.ts',
  },
  {
    invariant: '7 survives anything',
    breaks: 'shows no word of the authority before, so that nodes that were away meet a stranger',
    file: 'libs/io/certificates/certificate-authority.ts',
    from: "const chain = succession.between.join('') + succession.anchor.certificatePem;",
    to: 'const chain = succession.signs.certificatePem;',
    test: 'libs/io/certificates/certificates.test.ts',
  },
  {
    invariant: '7 survives anything',
    breaks: 'follows a log before it is on disk whose it is',
    file: 'libs/services/node-agent/pinned-loader.ts',
    from: 'await writePrivateFile(this.file, JSON.stringify(anchor, undefined, 2));',
    to: 'await writePrivateFile(this.file, JSON.stringify(anchor, undefined, 2)).catch(() => undefined);',
    test: 'libs/services/node-agent/two-halves.test.ts',
  },
];
