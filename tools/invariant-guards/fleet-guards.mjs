// SPDX-License-Identifier: GPL-2.0-only

/** How a fleet that was cut off comes back, and what is kept of it. */
export const fleetGuards = [
  {
    invariant: 'a fleet comes back in turn',
    breaks: 'sends nodes away though there is room for them to wait',
    file: 'libs/services/control-plane/agents/admission.ts',
    from: 'if (this.waiting.length >= mostWaiting) {',
    to: 'if (mostWaiting >= 0) {',
    test: 'libs/services/control-plane/agents/admission.test.ts',
  },
  {
    invariant: 'a fleet comes back in turn',
    breaks: 'takes those first that have given up meanwhile',
    file: 'libs/services/control-plane/grpc/turns.ts',
    from: 'return this.late.pop()?.item;',
    to: 'return this.late.shift()?.item;',
    test: 'libs/services/control-plane/grpc/turns.test.ts',
  },
  {
    invariant: 'a fleet comes back in turn',
    breaks: 'lets one address go before all others',
    file: 'libs/services/control-plane/grpc/turns.ts',
    from: 'this.fresh.delete(address);',
    to: '',
    test: 'libs/services/control-plane/grpc/turns.test.ts',
  },
  {
    invariant: 'a fleet comes back in turn',
    breaks: 'takes who waits to be welcomed for silent',
    file: 'libs/services/control-plane/routes/connect.ts',
    from: 'listener.stop();\n        const node',
    to: 'const node',
    test: 'libs/services/control-plane/routes/connect.test.ts',
  },
  {
    invariant: 'a fleet comes back in turn',
    breaks: 'hands on in one turn however many connections come to stand',
    file: 'libs/services/control-plane/grpc/few-a-turn.ts',
    from: 'this.waiting.splice(0, this.options.most)',
    to: 'this.waiting.splice(0)',
    test: 'libs/services/control-plane/grpc/few-a-turn.test.ts',
  },
  {
    invariant: 'a fleet comes back in turn',
    breaks: 'lets whoever begins handshakes and says nothing hold as many as it likes',
    file: 'libs/services/control-plane/grpc/tls-front.ts',
    from: 'if (this.underWay.size <= this.options.limits.mostUnderWay) return;',
    to: 'if (this.underWay.size >= 0) return;',
    test: 'libs/services/control-plane/grpc/tls-front.test.ts',
  },
  {
    invariant: '10 nobody lies for others',
    breaks: 'takes what one node says of a module for what all say of it',
    file: 'libs/services/control-plane/agents/shared-functions.ts',
    from: 'known !== undefined && areSame(known, functions)',
    to: 'known !== undefined',
    test: 'libs/services/control-plane/agents/shared-functions.test.ts',
  },
];
