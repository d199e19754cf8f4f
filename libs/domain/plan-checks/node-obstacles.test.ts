// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import {
  parseKernelBuildId,
  parseNodeName,
  parseSeq,
  type Obstacle,
  type PatchedFunction,
} from '@lockstep/domain/livepatch-model';
import { defaultRules, planRollout, type PlanRequest } from '@lockstep/domain/rollout-planner';
import { checkPlan } from './check-plan';

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const fn = (name: string, sympos = 0): PatchedFunction => ({ object: 'vmlinux', name, sympos });
const policy = { kernelBuild, toSeq: parseSeq(2), ...defaultRules };
const loads = [
  { seq: parseSeq(1), functions: [fn('one')] },
  { seq: parseSeq(2), functions: [fn('two'), fn('shared', 2)] },
];

/** Two nodes at position 1, the first with what it tells. */
function request(obstacles: readonly Obstacle[], planned: PlanRequest['loads'] = loads): PlanRequest {
  const at = { status: 'in-step', position: parseSeq(1), target: parseSeq(1), problem: null } as const;
  const inventory = ['n1', 'n2'].map((name) => ({
    node: parseNodeName(name),
    kernelBuild,
    connected: true,
    report: name === 'n1' ? { ...at, obstacles } : at,
  }));
  return { policy, parent: null, nowMs: 0, inventory, loads: planned };
}

const planned = (...obstacles: Obstacle[]) => {
  const asked = request(obstacles);
  const plan = planRollout(asked);
  expect(checkPlan(plan, { ...asked, head: policy.toSeq })).toEqual([]);
  return plan;
};

test('a node whose kernel will refuse the load is not sent, nor a canary; the plan says why', () => {
  const plan = planned({ kind: 'function-held', at: 'vmlinux:two', by: 'a kprobe with a post_handler' });
  expect(plan.moves).toEqual([{ node: 'n2', toSeq: 2 }]);
  expect(plan.nodes.find(({ node }) => node === 'n1')?.notYet).toEqual({
    reason: 'obstructed',
    problem: expect.stringContaining('vmlinux:two is taken by a kprobe with a post_handler'),
  });
});

test('a name that several functions have holds no node out: which one is taken is not known', () => {
  const plan = planned({ kind: 'function-held', at: 'vmlinux:shared', by: 'a kprobe' });
  expect(plan.moves).toEqual([{ node: 'n1', toSeq: 2 }]);
  expect(plan.nodes[0]?.obstacles).toEqual([
    expect.stringMatching(
      /^A function named vmlinux:shared is taken by a kprobe, and several have that name: if it is/,
    ),
  ]);
});

test.each(['ftrace-disabled', 'modules-disabled'] as const)('%s is in the way of any load', (kind) => {
  expect(planned({ kind, at: '', by: '' }).moves).toEqual([{ node: 'n2', toSeq: 2 }]);
});

test('what is about a function that the node holds already, or never gets, is nothing', () => {
  const plan = planned(
    { kind: 'function-held', at: 'vmlinux:one', by: 'x' },
    { kind: 'function-held', at: 'm:two', by: 'x' },
  );
  expect(plan.moves).toEqual([{ node: 'n1', toSeq: 2 }]);
  expect(plan.nodes[0]?.obstacles).toBeUndefined();
});

test('what may hold a transition up keeps nobody from going, and is in the plan', () => {
  const plan = planned(
    { kind: 'frozen-tasks', at: '/jail', by: '3 tasks' },
    { kind: 'bpf-trampoline', at: 'vmlinux:vfs_read', by: 'bpf_trampoline_1' },
  );
  expect(plan.moves).toEqual([{ node: 'n1', toSeq: 2 }]);
  expect(plan.nodes[0]?.obstacles).toEqual([
    expect.stringContaining('Control group /jail is frozen'),
    expect.stringContaining('vmlinux:vfs_read has bpf_trampoline_1'),
  ]);
});

describe('where a kernel enforces signatures', () => {
  const key = 'ab'.repeat(20);
  const other = 'cd'.repeat(20);
  const enforced = (trusted?: readonly string[]): Obstacle => {
    return { kind: 'signature-enforced', at: '', by: 'module.sig_enforce', ...(trusted && { trusted }) };
  };
  /** The second load with this signer; functions of none are in it, as of callbacks alone. */
  const signedBy = (signer?: string) => {
    const load = { seq: parseSeq(2), functions: [], ...(signer === undefined ? {} : { signer }) };
    return [{ seq: parseSeq(1), functions: [fn('one')], signer: '' }, load];
  };
  const first = (obstacle: Obstacle, signer?: string) => {
    const asked = request([obstacle], signedBy(signer));
    const plan = planRollout(asked);
    expect(checkPlan(plan, { ...asked, head: policy.toSeq })).toEqual([]);
    const decided = plan.nodes.find(({ node }) => node === 'n1');
    return { moves: plan.moves.map(({ node }) => node), notYet: decided?.notYet, obstacles: decided?.obstacles };
  };

  test.each([undefined, [key]])(
    'a module without a signature is not sent there, whatever keys it shows (%s)',
    (keys) => {
      expect(first(enforced(keys), '')).toEqual({
        moves: ['n2'],
        notYet: {
          reason: 'obstructed',
          problem: expect.stringMatching(/takes no unsigned module \(module\.sig_enforce\), and #2 has no signature/),
        },
        obstacles: undefined,
      });
    },
  );

  test('nor one that is signed with a key that it does not show', () => {
    expect(first(enforced([other]), key)).toMatchObject({
      moves: ['n2'],
      notYet: { reason: 'obstructed', problem: expect.stringContaining(`shows no key ${key}, with which #2`) },
    });
  });

  test('one that is signed with a key that it shows goes, and nothing is told', () => {
    expect(first(enforced([other, key]), key)).toEqual({
      moves: ['n1'],
      notYet: { reason: 'moving', position: 1 },
      obstacles: undefined,
    });
  });

  test.each<[string, readonly string[] | undefined, string | undefined]>([
    ['nobody knows how it is signed', [key], undefined],
    ['the kernel shows no keys', undefined, key],
  ])('where %s it is tried, and told', (_, keys, signer) => {
    expect(first(enforced(keys), signer)).toMatchObject({
      moves: ['n1'],
      obstacles: [expect.stringContaining('takes no unsigned module')],
    });
  });
});
