// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import { parseClusterName, parseKernelBuildId, parseSeq, type ModuleName } from '@lockstep/domain/livepatch-model';
import { startNode, viewOf } from '@lockstep/domain/node-state';
import { reportToWire, withKnownValues } from './node-report';

test("the kernel's own conflicts arrive as the agent read them", () => {
  const log = { cluster: parseClusterName('web'), kernelBuild: parseKernelBuildId('ab'.repeat(20)) };
  const { state } = startNode(
    {
      log,
      entries: [],
      target: parseSeq(0),
      position: parseSeq(0),
      loads: [],
      endedBoots: [],
      quarantines: [],
      disowned: [],
    },
    { bootId: 'boot', panicsAtMs: [] },
  );
  const kernelConflicts = [
    {
      function: { object: 'vmlinux', name: 'foo', sympos: 1 },
      owners: [{ module: 'b' as ModuleName, knownAs: { name: 'foo_alias', sympos: 2 } }, { module: 'a' as ModuleName }],
    },
  ];
  const seen = { patches: [], artifacts: new Set<never>(), uptimeMs: 0, kernelConflicts };
  const report = reportToWire(viewOf({ ...state, seen }), 'boot-1', 0);
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

/** Field 1 (status) is 99; field 9 (last transition) has field 2 (mode) 77. */
const ofANewerAgent = Uint8Array.of(0x08, 99, 0x4a, 2, 0x10, 77);

test('values that only a newer agent knows can be kept, and say why there is no status', () => {
  const decoded = NodeReport.decode(ofANewerAgent);
  expect(() => NodeReport.toJSON(decoded)).toThrow();
  const known = withKnownValues(decoded);
  expect(NodeReport.fromJSON(NodeReport.toJSON(known))).toEqual(known);
  expect(known).toMatchObject({
    status: NodeStatus.NODE_STATUS_UNSPECIFIED,
    problem: { reason: 'unknown-status', message: expect.stringContaining('99') },
  });
});

test('a report that this version understands is left as it is', () => {
  const report = NodeReport.decode(Uint8Array.of(0x08, NodeStatus.NODE_STATUS_FAILED));
  expect(withKnownValues(report)).toBe(report);
});
