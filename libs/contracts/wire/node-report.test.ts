// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { NodeReport } from '@lockstep/contracts/generated';
import { parseClusterName, parseKernelBuildId, parseSeq, type ModuleName } from '@lockstep/domain/livepatch-model';
import { startNode, viewOf } from '@lockstep/domain/node-state';
import { reportToWire } from './node-report';

test("the kernel's own conflicts arrive as the agent read them", () => {
  const log = { cluster: parseClusterName('web'), kernelBuild: parseKernelBuildId('ab'.repeat(20)) };
  const { state } = startNode(
    { log, entries: [], target: parseSeq(0), position: parseSeq(0), loads: [], endedBoots: [], quarantines: [] },
    { bootId: 'boot', panicsAtMs: [] },
  );
  const kernelConflicts = [
    {
      function: { object: 'vmlinux', name: 'foo', sympos: 1 },
      owners: [{ module: 'b' as ModuleName, knownAs: { name: 'foo_alias', sympos: 2 } }, { module: 'a' as ModuleName }],
    },
  ];
  const seen = { patches: [], artifacts: new Set<never>(), uptimeMs: 0, kernelConflicts };
  const report = reportToWire(viewOf({ ...state, seen }));
  expect(NodeReport.decode(NodeReport.encode(report).finish()).kernelConflicts).toEqual([
    {
      function: { object: 'vmlinux', name: 'foo', sympos: 1 },
      owners: [
        { moduleName: 'b', knownAs: { object: 'vmlinux', name: 'foo_alias', sympos: 2 } },
        { moduleName: 'a', knownAs: undefined },
      ],
    },
  ]);
});
