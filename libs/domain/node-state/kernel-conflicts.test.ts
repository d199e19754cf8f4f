// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import type { ModuleName } from '@lockstep/domain/livepatch-model';
import { advance, startNode } from './advance';
import type { NodeEvent, NodeState } from './node-state';
import { viewOf } from './node-view';
import type { KernelConflict } from './observation';
import { freshRecord } from './test-machine';

const conflict: KernelConflict = {
  function: { object: 'vmlinux', name: 'f', sympos: 1 },
  owners: [{ module: 'b' as ModuleName }, { module: 'a' as ModuleName }],
};

const checks = { hash: () => new Uint8Array(32), verify: () => true } as unknown as Parameters<typeof advance>[2];

function look(state: NodeState, kernelConflicts: readonly KernelConflict[]): ReturnType<typeof advance> {
  const looking = advance(state, { kind: 'look-due' }, checks);
  const event: NodeEvent = {
    kind: 'observed',
    seen: { patches: [], artifacts: new Set(), uptimeMs: 0, kernelConflicts },
  };
  return advance(looking.state, event, checks);
}

test("a change in the kernel's own view is reported, the same view again is not", () => {
  const first = look(startNode(freshRecord, { bootId: 'boot', panicsAtMs: [] }).state, []);
  expect(look(first.state, []).effects).not.toContainEqual({ kind: 'report' });
  const changed = look(first.state, [conflict]);
  expect(changed.effects).toContainEqual({ kind: 'report' });
  expect(viewOf(changed.state).kernelConflicts).toEqual([conflict]);
});
