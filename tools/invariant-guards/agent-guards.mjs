// SPDX-License-Identifier: GPL-2.0-only

/** What an agent loads, and whose word it takes for it. */
export const agentGuards = [
  {
    invariant: '7 survives anything',
    breaks: 'sends to all streams in the one turn of the loop in which what they wait for has come',
    file: 'libs/services/control-plane/agents/time-slices.ts',
    from: 'if (!this.isHandingOn && this.hasTime()) return undefined;',
    to: 'if (this.hasTime() || !this.isHandingOn) return undefined;',
    test: 'libs/services/control-plane/agents/time-slices.test.ts',
  },
  {
    invariant: '7 survives anything',
    breaks: 'writes a module from two transfers at once: one that was asked for, and one ahead of it',
    file: 'libs/services/node-agent/fetch-ahead.ts',
    from: 'if (this.isDue || this.isStopped) return;',
    to: 'if (this.isStopped) return;',
    test: 'libs/services/node-agent/fetch-ahead.test.ts',
  },
  {
    invariant: '1 order',
    breaks: 'fetches ahead what was retired since',
    file: 'libs/domain/node-state/modules-ahead.ts',
    from: 'const modules = stackAt(entries, parseSeq(entries.length)).map(({ body }) => body.artifact);',
    to: 'const modules = entries.flatMap(({ body }) => (body.kind === "load" ? [body.artifact] : []));',
    test: 'libs/domain/node-state/modules-ahead.test.ts',
  },
  {
    invariant: '15 two words for what is loaded',
    breaks: 'loads what the log alone orders',
    file: 'libs/services/node-agent/vouch.ts',
    from: '|| !isVouchedFor',
    to: '',
    test: 'libs/services/node-agent/stolen-control-plane.test.ts',
  },
  {
    invariant: '15 two words for what is loaded',
    breaks: 'believes what an entry says of a signed module',
    file: 'libs/services/node-agent/vouch.ts',
    from: 'checkModule(bytes, artifact, release);',
    to: 'void [checkModule, release];',
    test: 'libs/services/node-agent/stolen-control-plane.test.ts',
  },
  {
    invariant: '7 survives anything',
    breaks: 'forgets with the agent what an operator wants unloaded',
    file: 'libs/io/agent-journal/agent-journal.ts',
    from: 'disowned = record.modules.map(parseModuleName);',
    to: 'record.modules.map(parseModuleName);',
    test: 'libs/io/agent-journal/agent-journal.test.ts',
  },
  {
    invariant: '15 two words for what is loaded',
    breaks: 'a loader takes entries that nobody signed, by the word of the half with the network',
    file: 'libs/services/node-agent/local-loader.ts',
    from: 'const checks = logChecksOf(logPublicKey);',
    to: 'const checks = { ...logChecksOf(logPublicKey), verify: () => true };',
    test: 'libs/services/node-agent/two-halves.test.ts',
  },
  {
    invariant: '15 two words for what is loaded',
    breaks: 'a loader follows whoever the half with the network names',
    file: 'libs/services/node-agent/local-loader.ts',
    from: 'known.logPublicKey === told.logPublicKey',
    to: 'known.logPublicKey !== ""',
    test: 'libs/services/node-agent/two-halves.test.ts',
  },
];
