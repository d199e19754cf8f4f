// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { nothingWanted, planRequestOf } from './wanted-rollout';

const wanted = { ...nothingWanted, cluster: 'web', kernelBuildId: 'ab' };

test('what nobody typed is left to the control plane', () => {
  expect(planRequestOf(wanted)).toEqual({
    rollout: {
      ...{ cluster: 'web', kernelBuildId: 'ab', canaries: 1, waveSize: 0 },
      rules: { canarySelector: '', probes: [], gates: [], bakeSeconds: 0 },
    },
  });
});

test('a share of a failure domain is of nodes, or of a hundred; probes and gates stand one a line', () => {
  const { rollout } = planRequestOf({
    ...{ ...wanted, spreadLabel: ' zone ', spreadAtMost: '10%', canarySelector: 'tier=test' },
    ...{ probes: 'tcp=127.0.0.1:22\n\n http=http://127.0.0.1/ok ', gates: 'errors=sum(x) <= 1' },
  });
  expect(rollout?.rules).toEqual({
    ...{ canarySelector: 'tier=test', spread: { label: 'zone', atMost: { percent: 10 } }, bakeSeconds: 0 },
    ...{ probes: ['tcp=127.0.0.1:22', 'http=http://127.0.0.1/ok'], gates: ['errors=sum(x) <= 1'] },
  });
  expect(planRequestOf({ ...wanted, spreadLabel: 'rack' }).rollout?.rules?.spread?.atMost).toEqual({ nodes: 1 });
});

test('an emergency has no waves, bake times and probes of the form', () => {
  const emergency = { ...wanted, isEmergency: true, bakeSeconds: '60', probes: 'tcp=127.0.0.1:22', waveSize: '3' };
  expect(planRequestOf(emergency)).toEqual({
    ...{ rollout: { cluster: 'web', kernelBuildId: 'ab', rules: { canarySelector: '' } }, breakGlass: true },
  });
});
