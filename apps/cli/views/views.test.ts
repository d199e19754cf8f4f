// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import {
  BuildStatus,
  Build,
  CheckConflictsResponse,
  Consistency,
  GetOrderResponse,
  Node,
  NodeStatus,
  Rollout,
  RolloutStatus,
} from '@lockstep/contracts/generated';
import { approvalLines } from './approvals-view';
import { buildDocument, buildTable, buildText, proofFields } from './build-view';
import { nodeDocument, nodeTable, nodeText } from './node-view';
import { conflictLines, describeEntry, entryDocument, orderText } from './order-view';
import { nodeLine, rolloutDocument, rolloutText } from './rollout-view';
import { blockingDocument, blockingText } from './transition-view';

const fn = (name: string, sympos = 0) => ({ object: 'vmlinux', name, sympos });

const artifact = (patchName: string, ...functions: string[]) => ({
  ...{ sha256: 'f'.repeat(64), sizeBytes: 9000, kernelBuildId: 'ab'.repeat(20), moduleName: `lockstep_${patchName}` },
  ...{ patchId: 'c'.repeat(64), patchName, replace: false, functions: functions.map((name) => fn(name)) },
});

const patch = (moduleName: string, ...functions: string[]) => ({
  ...{ moduleName, enabled: true, transition: false, artifactSha256: 'f'.repeat(64) },
  functions: functions.map((name) => fn(name)),
});

const node = Node.fromPartial({
  ...{ name: 'n1', cluster: 'web', connected: true, kernelBuildId: 'ab'.repeat(20), kernelRelease: '6.1.0' },
  lastSeenAt: new Date(0),
  report: {
    ...{ status: NodeStatus.NODE_STATUS_IN_STEP, position: 2, target: 2, headSeq: 2 },
    stack: [patch('lockstep_a', 'f', 'g'), { ...patch('lockstep_b', 'f'), artifactSha256: '' }],
  },
});

describe('nodes', () => {
  it('show what their kernels hold, and what of it is not ours', () => {
    expect(nodeDocument(node)).toMatchObject({ report: { status: 'in-step', position: 2, problem: null } });
    const text = nodeText(node);
    expect(text).toMatch(/^Status: +in-step$/m);
    expect(text).toMatch(/^lockstep_b +enabled +not by lockstep +vmlinux:f$/m);
  });

  it("show the kernel's own view of conflicts where the core has one", () => {
    const owners = [{ moduleName: 'b', knownAs: fn('f_alias', 2) }, { moduleName: 'a' }];
    const report = { ...node.report, kernelConflicts: [{ function: fn('f', 1), owners }] };
    const patched = Node.fromPartial({ ...node, patchedCore: true, report });
    expect(nodeText(patched)).toMatch(/^vmlinux:f +b \(as vmlinux:f_alias,2\) > a$/m);
    expect(nodeDocument(patched)).toMatchObject({ report: { kernelConflicts: [{ function: { name: 'f' } }] } });
    expect(nodeText(Node.fromPartial({ ...node, patchedCore: true }))).toMatch(/The kernel knows of no conflicts\.$/);
    expect(nodeText(node)).not.toMatch(/conflicts\./);
  });

  it('show the labels that count, and what its agent says otherwise', () => {
    const labelled = Node.fromPartial({
      ...{ ...node, labels: { tier: 'db', rack: 'a1' }, reportedLabels: { rack: 'a1', tier: 'web' } },
    });
    expect(nodeTable([labelled], { showLabels: true })).toMatch(/ LABELS$[^]* rack=a1,tier=db$/m);
    expect(nodeText(labelled)).toMatch(/^Labels: +rack=a1,tier=db\nIts agent says: +tier=web$/m);
    expect(nodeText(node)).toMatch(/^Labels: +-$/m);
  });

  it('say what was known last of one that is off, and nothing of one that never spoke', () => {
    expect(nodeTable([{ ...node, connected: false }], { showLabels: false })).toMatch(
      /^n1 +web +off \(was in-step\) +2 +2 .*lockstep_a < lockstep_b$/m,
    );
    expect(nodeText(Node.fromPartial({ name: 'n2', connected: true }))).toMatch(
      /^Status: +silent$[^]*No livepatches\./m,
    );
  });
});

describe('rollouts that wait', () => {
  it('name whom they wait for and since when', () => {
    const since = new Date('2026-01-02T03:04:05Z');
    const rollout = Rollout.fromPartial({
      ...{ id: 'r', cluster: 'web', toSeq: 2, status: RolloutStatus.ROLLOUT_STATUS_RUNNING },
      nodes: [
        { node: 'n1', position: 2, since },
        { node: 'n2', wave: 1, awaited: true, since, notYet: { reason: 'lost', message: 'Gone.' } },
        { node: 'n3', wave: 2, notYet: { reason: 'waiting-for-wave', message: 'Waits.' } },
      ],
    });
    expect(rolloutText(rollout)).toMatch(/^Waits for n2 \(lost since 2026-01-02 03:04:05Z\)\.$/m);
    expect(rolloutText(rollout)).toMatch(/^n2 +wave 1 +0 +lost +2026-01-02 03:04:05Z +Gone\.$/m);
    const ended = { ...rollout, status: RolloutStatus.ROLLOUT_STATUS_HALTED };
    expect(rolloutText(ended)).not.toMatch(/Waits for/);
    expect(rolloutDocument(rollout)).toMatchObject({ nodes: [{}, { awaited: true, since: since.toISOString() }, {}] });
  });
});

describe('transitions', () => {
  const lastTransition = {
    ...{ moduleName: 'lockstep_b', mode: Consistency.CONSISTENCY_SYSTEM, direction: 'patching', result: 'reversed' },
    ...{ attempts: 7, windowLastNs: 18_230, windowMaxNs: 91_000, checkedOutside: 412, checkedInside: 9 },
    ...{ elapsedMs: 30_012, blockers: [{ pid: 411, comm: 'cat', function: 'version_proc_show', heldBy: 'frozen' }] },
  };
  const problem = { reason: 'transition-timeout', message: 'Loading lockstep_b did not end within 30 s.' };
  const blocked = Node.fromPartial({ ...node, report: { ...node.report, lastTransition, problem } });

  it('are one line of a node, and whole in what is in its way', () => {
    expect(nodeText(blocked)).toMatch(
      /^Switched last: +lockstep_b patching: reversed with consistency system after 7 attempts, CPUs stopped for at most 91\.0 µs$/m,
    );
    expect(nodeDocument(blocked)).toMatchObject({ report: { lastTransition: { mode: 'system', attempts: 7 } } });
    expect(blockingText(blocked)).toMatch(
      /^n1: transition-timeout: Loading [^]*^Attempts: +7 in 30012 ms$[^]*^411 +cat +version_proc_show +frozen$[^]*^A frozen task does not run/m,
    );
    expect(blockingDocument(blocked)).toMatchObject({ node: 'n1', problem, transition: { blockers: [{ pid: 411 }] } });
  });

  it('are absent where the core tells of none', () => {
    expect(nodeText(node)).not.toMatch(/Switched/);
    expect(nodeDocument(node)).toMatchObject({ report: { lastTransition: null } });
    expect(blockingText(node)).toBe('n1 tells of no transition.');
  });
});

describe('builds', () => {
  it("show that their originals are the vendor's", () => {
    const proofs = [
      { object: 'vmlinux', vendorSha256: '3b'.repeat(32), functions: 3, equal: 2, overridden: ['arch_hook'] },
      { object: 'af_alg', vendorSha256: 'c4'.repeat(32), functions: 31, equal: 31, overridden: [] },
    ];
    const proved = Build.fromPartial({ ...build, proofs });
    expect(buildText(proved)).toMatch(
      /^Proved: +vmlinux 3b\w*: 2 of 3 functions are the kernel's byte for byte, and arch_hook is overridden there$/m,
    );
    expect(buildText(proved)).toMatch(/^Proved: +af_alg c4\w*: 31 of 31 functions are the kernel's byte for byte$/m);
    expect(buildDocument(proved)).toMatchObject({ proofs });
    expect(proofFields([proved, proved])).toHaveLength(2);
  });

  const build = Build.fromPartial({
    id: 'b1',
    patchName: 'a',
    status: BuildStatus.BUILD_STATUS_SUCCEEDED,
    artifact: artifact('a', 'f'),
  });
  it('show the module, or why there is none', () => {
    expect(buildDocument(build)).toMatchObject({ id: 'b1', status: 'succeeded', failure: null, attempts: 0 });
    expect(buildText(build)).toMatch(/^Module: +lockstep_a\.ko, 9000 bytes$/m);
    const failure = { reason: 'compile-failed', message: 'x.c:1: error\nmore' };
    const failed = Build.fromPartial({ id: 'b2', status: BuildStatus.BUILD_STATUS_FAILED, failure });
    expect(buildTable([build, failed])).toMatch(
      /^b1 .*lockstep_a \(1 function\)$[^]*^b2 .*compile-failed: x\.c:1: error$/m,
    );
    expect(buildText(failed)).toMatch(/^Message: +x\.c:1: error\n +more$/m);
  });
});

describe('load orders', () => {
  const entry = {
    cluster: 'web',
    kernelBuildId: 'ab'.repeat(20),
    previousHash: '',
    hash: '0123456789abcdef',
    signature: '',
  };
  const switching = {
    consistency: Consistency.CONSISTENCY_STOP_MACHINE,
    transitionTimeoutMs: 90_000,
    stableMs: 300_000,
  };
  const order = GetOrderResponse.fromPartial({
    ...{ cluster: 'web', kernelBuildId: 'ab'.repeat(20), stack: [2] },
    entries: [
      { ...entry, seq: 1, body: { $case: 'load', value: { artifact: artifact('a', 'f', 'g') } } },
      {
        ...{ ...entry, seq: 2 },
        body: { $case: 'load', value: { artifact: artifact('b', 'f'), overrides: [1], ...switching } },
      },
      { ...entry, seq: 3, body: { $case: 'retire', value: { retires: 1 } } },
    ],
    sharedFunctions: [{ function: fn('h', 2), owners: [2, 1] }],
  });
  it('show entries, what is in effect, overrides and shared functions', () => {
    const lines = orderText(order)
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '));
    expect(lines).toContain('#1 load a 0123456789ab vmlinux:f, vmlinux:g');
    expect(lines).toContain(
      '#2 load b in stack #1 consistency stop_machine, taken back after 90s, stable after 5m 0123456789ab vmlinux:f',
    );
    expect(lines).toContain('#3 retire #1 0123456789ab');
    expect(lines).toContain('vmlinux:h,2 #2 #1');
  });
  it('say how kernels switch to an entry, where it says so', () => {
    const [first, second] = order.entries;
    expect(describeEntry(first!)).toBe('#1 loads a');
    expect(describeEntry(second!)).toBe(
      '#2 loads b, overrides #1, consistency stop_machine, taken back after 90s, stable after 5m',
    );
    expect(entryDocument(first)).toMatchObject({ body: { load: { consistency: null, transitionTimeoutMs: 0 } } });
    expect(entryDocument(second)).toMatchObject({ seq: 2, body: { load: { consistency: 'stop_machine' } } });
  });
  it('name each conflict and each patch that would be torn', () => {
    const check = CheckConflictsResponse.fromPartial({
      conflicts: [{ function: fn('f'), ownerSeq: 1, ownerPatchName: 'a' }],
      torn: [{ seq: 1, patchName: 'a', running: [fn('g')], shadowed: [fn('f')] }],
    });
    expect(conflictLines(check)).toEqual([
      'conflict: vmlinux:f is owned by a (#1)',
      'torn: a (#1) would lose vmlinux:f and still run vmlinux:g',
    ]);
  });
});

describe('rollouts', () => {
  const notYet = { reason: 'waiting-for-canary', message: 'Waits for the canaries: n1.' };
  const rollout = Rollout.fromPartial({
    ...{ id: 'r1', cluster: 'web', toSeq: 2, status: RolloutStatus.ROLLOUT_STATUS_RUNNING },
    nodes: [
      { node: 'n1', wave: 0, position: 2, target: 2 },
      { node: 'n2', wave: 1, position: 0, target: 0, notYet },
    ],
  });
  it('say of each node where it is and why not yet', () => {
    expect(rolloutDocument(rollout)).toMatchObject({
      status: 'running',
      nodes: [{ notYet: null }, { position: 0, notYet }],
    });
    expect(rolloutText(rollout)).toMatch(/to position 2: running, 1\/2 nodes there[^]*^n1 +canary +2 +there +-$/m);
    expect(rollout.nodes.map(nodeLine)).toEqual([
      'n1 (canary): at 2, there',
      'n2 (wave 1): at 0, waiting-for-canary: Waits for the canaries: n1.',
    ]);
  });

  it('ask for approvals while one waits for them, and not when it has ended', () => {
    const approvals = { needed: 2, given: 1, author: 'person:alice', planHash: 'abc' };
    const pending = Rollout.fromPartial({ ...rollout, approvals });
    expect(approvalLines(pending)[0]).toMatch(/1 of 2.*lockstep rollout approve r1 --plan abc$/);
    const rejected = { ...pending, status: RolloutStatus.ROLLOUT_STATUS_ABORTED };
    expect(approvalLines(rejected)).toEqual(['Approvals: 1 of 2, never of person:alice, who asked for it.']);
  });
});
