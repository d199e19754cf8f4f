// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BuildStatus, NodeStatus, RolloutStatus, type StockKernel } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { parseKernelBuildId, parseNodeName, type LockstepError } from '@lockstep/domain/livepatch-model';
import { createCertificateRequest, openCertificateAuthority, readCertificateRequest } from '@lockstep/io/certificates';
import { connectAgent, connectOperator, enrol } from '@lockstep/io/rpc-client';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import { fleetKernelTree } from '../fleet-kernel';
import { runLockstep } from '../lockstep-command';
import { patientOperator, type PatientOperator } from '../patient-operator';

/** What people and machines get wrong, over the real API: each is told what is wrong, and nothing else changes. */
let fleet: DevFleet;
let operator: PatientOperator;

beforeAll(async () => {
  fleet = await startDevFleet({ nodes: 2, queue: 'postgres' });
  operator = patientOperator(fleet);
}, kernelTestSetupMs);

afterAll(() => fleet.stop());

const log = (): { cluster: string; kernelBuildId: string } => ({
  cluster: fleet.cluster,
  kernelBuildId: fleet.kernelBuild,
});

/** Kind and reason of the LockstepError that the call ends in. */
async function refusal(call: Promise<unknown>): Promise<{ kind: string; reason: string; message: string }> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown as LockstepError,
  );
  if (error === undefined) throw new Error('it was not refused');
  const { kind, reason, message } = error;
  return { kind, reason, message };
}

describe('names that are not there', () => {
  const calls: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    ['node', () => fleet.operator.fleet.getNode({ name: 'nobody' }), /nobody/],
    [
      'cluster',
      () => fleet.operator.fleet.createJoinToken({ cluster: 'none', node: 'x', ttlSeconds: 0, allow: '', count: 0 }),
      /none/,
    ],
    [
      'patch',
      () =>
        fleet.operator.fleet.appendLoad({
          ...log(),
          patch: 'none',
          overrides: [],
          expectedSeq: 0,
          mayInterrupt: false,
          buildId: '',
          ...switchingToWire({}),
        }),
      /none/,
    ],
    ['build', () => fleet.operator.build.getBuild({ id: '00000000-0000-4000-8000-000000000000' }), /00000000/],
    ['kernel build', () => fleet.operator.fleet.getOrder({ cluster: 'dev', kernelBuildId: 'ab'.repeat(20) }), /abab/],
  ];
  it.each(calls)('%s: not found, by name', async (_what, call, named) => {
    expect(await refusal(call())).toMatchObject({ kind: 'not-found', message: expect.stringMatching(named) });
  });

  it.each([
    ['a cluster name', () => fleet.operator.fleet.createCluster({ ...switchingToWire({}), name: 'No Such Name!' })],
    [
      'a position past the head',
      () =>
        fleet.operator.fleet.startRollout({
          ...log(),
          toSeq: 9,
          canaries: 0,
          waveSize: 0,
          rules: undefined,
          planHash: '',
        }),
    ],
  ])('%s that cannot be is refused, saying why', async (_what, call) => {
    const { kind, message } = await refusal(call());
    expect(['invalid-input', 'refused']).toContain(kind);
    expect(message.length).toBeGreaterThan(20);
  });
});

describe('who may speak', () => {
  const ca = (): Buffer => readFileSync(path.join(fleet.server.stateDir, 'pki/ca.crt'));

  it('an operator without the token: unauthenticated', async () => {
    const stranger = connectOperator({ address: fleet.server.address, ca: ca(), token: 'guess' });
    expect(await refusal(stranger.fleet.listClusters({}))).toMatchObject({ kind: 'unauthenticated' });
    stranger.close();
  });

  it('a node with a certificate of another CA gets no session', async () => {
    const other = await openCertificateAuthority({
      dir: path.join(fleet.folder, 'other-pki'),
      names: ['127.0.0.1'],
      mayMakeKeys: true,
    });
    const request = await createCertificateRequest();
    const proven = readCertificateRequest(request.requestPem);
    const certificate = other.issueNodeCertificate(proven, parseNodeName('n1'));
    const agent = connectAgent({
      ...{ address: fleet.server.agentAddress, ca: ca().toString(), certificate, key: request.privateKeyPem },
    });
    const hello = {
      agentVersion: '',
      kernelBuildId: fleet.kernelBuild,
      kernelRelease: '',
      bootId: '',
      entryVersions: [],
      labels: {},
    };
    const session = agent.openSession({ ...hello, headSeq: 0, headHash: '0'.repeat(64), patchedCore: false });
    const listening = (async () => {
      for await (const message of session.messages) throw new Error(`it answered: ${JSON.stringify(message)}`);
    })();
    expect(await refusal(listening)).toMatchObject({ kind: 'unauthenticated', reason: 'certificate-of-other-ca' });
    agent.close();
  });

  it('a join token works once', async () => {
    const { joinToken } = await fleet.operator.fleet.createJoinToken({
      cluster: 'dev',
      node: 'once',
      ttlSeconds: 60,
      allow: '',
      count: 0,
    });
    const { requestPem: certificateRequest } = await createCertificateRequest();
    const address = fleet.server.address;
    expect(await enrol({ address, joinToken, certificateRequest })).toMatchObject({ node: 'once', cluster: 'dev' });
    const { requestPem: another } = await createCertificateRequest();
    const again = await refusal(enrol({ address, joinToken, certificateRequest: another }));
    expect(['refused', 'forbidden', 'unauthenticated', 'not-found']).toContain(again.kind);
    const [form = '', secret = '', pin = ''] = joinToken.split('.');
    const invented = [form, 'A'.repeat(secret.length), pin].join('.');
    const unknown = await refusal(enrol({ address, joinToken: invented, certificateRequest: another }));
    expect(['refused', 'forbidden', 'unauthenticated', 'not-found']).toContain(unknown.kind);
  });
});

describe('diffs that cannot become a livepatch', () => {
  const good = (): string => exampleDiff(fleet.release, ['a'], 'y');
  const cases: readonly (readonly [string, () => string, string, RegExp])[] = [
    [
      'does not apply',
      () => good().replace(/^ \thugetlb_report_meminfo.*$/m, ' \tno_such_line();'),
      'diff-does-not-apply',
      /fs\/proc\/meminfo\.c, hunk 1, line \d+: expected ".*no_such_line.*", found ".*hugetlb_report_meminfo/,
    ],
    [
      'does not compile',
      () => good().replace('seq_puts(m, ', 'no_such_function(m, '),
      'compile-failed',
      /fs\/proc\/meminfo\.o[^]*no_such_function/,
    ],
    [
      'changes no code',
      () => good().replace(/^\+\tseq_puts.*$/m, '+\t/* only words */'),
      'changes-no-object',
      /compile to the same bytes/,
    ],
    [
      'touches what no object is made of',
      () => '--- a/MAINTAINERS\n+++ b/MAINTAINERS\n@@ -0,0 +1 @@\n+x\n',
      '',
      /MAINTAINERS/,
    ],
    ['is no diff at all', () => 'hello\n', '', /./],
  ];
  it.each(cases)('%s', async (title, diff, reason, message) => {
    const name = title.replaceAll(' ', '-');
    const refusedAtOnce = (error: unknown) => {
      const { reason: word, message: text } = error as LockstepError;
      return { status: undefined, reason: word, message: text };
    };
    const outcome = await operator
      .submit(name, diff())
      .then(
        ({ status, failure }) => ({ status, reason: failure?.reason ?? '', message: failure?.message ?? '' }),
        refusedAtOnce,
      );
    // What can be seen without a kernel tree may be refused at once.
    if (outcome.status !== undefined) expect(outcome.status).toBe(BuildStatus.BUILD_STATUS_FAILED);
    if (reason !== '') expect(outcome.reason).toBe(reason);
    expect(outcome.message).toMatch(message);
  });

  it('is not tried again: it cannot get better', async () => {
    const { builds } = await fleet.operator.build.listBuilds({});
    const failed = builds.filter(({ status }) => status === BuildStatus.BUILD_STATUS_FAILED);
    expect(failed.map(({ attempts }) => attempts)).toEqual(failed.map(() => 1));
    expect(failed.length).toBeGreaterThanOrEqual(3);
  });
});

describe('kernel builds', () => {
  async function addKernel(folder: string, stock?: StockKernel): Promise<unknown> {
    for await (const { event } of fleet.operator.build.addKernel({ path: folder, stock })) {
      if (event?.$case === 'kernelBuild') return event.value;
    }
    return undefined;
  }

  it('a folder that is none is refused by what it lacks', async () => {
    const folder = path.join(fleet.folder, 'no-kernel');
    mkdirSync(folder);
    expect(await refusal(addKernel(folder))).toMatchObject({
      reason: 'not-a-kernel-build',
      message: expect.stringMatching(/\.config/),
    });
  });

  it("a distribution's kernel whose packages are not there is refused with what to type", async () => {
    const folder = path.join(fleet.folder, 'no-packages');
    mkdirSync(folder);
    const stock = { distribution: 'debian', release: '6.1.0-50-cloud-amd64' };
    expect(await refusal(addKernel(folder, stock))).toMatchObject({
      reason: 'packages-missing',
      message: expect.stringMatching(/vmlinux[\s\S]*linux-image-6\.1\.0-50-cloud-amd64-dbg[\s\S]*apt-get download/),
    });
    fleet.worker.assertRunning();
  });

  it.each([
    [{ distribution: 'plan9', release: '6.1.0' }, 'unknown-distribution'],
    [{ distribution: 'debian', release: '../../etc' }, 'invalid-name'],
  ])('%p is refused before any worker is asked', async (stock, reason) => {
    expect(await refusal(addKernel('', stock))).toMatchObject({ reason });
  });

  it.each([
    [
      'cut off',
      (file: string) => {
        truncateSync(file, 4096);
      },
    ],
    [
      'of another machine',
      (file: string) => {
        patchMachine(file);
      },
    ],
    [
      'no ELF file',
      (file: string) => {
        writeFileSync(file, 'MZ'.repeat(1000));
      },
    ],
  ])(
    'one whose vmlinux is %s is refused, and the worker lives on',
    async (what, spoil) => {
      const folder = path.join(fleet.folder, `spoilt-${what.replaceAll(' ', '-')}`);
      const tree = await fleetKernelTree();
      mkdirSync(folder);
      for (const name of readdirSync(tree))
        if (name !== 'vmlinux') symlinkSync(path.join(tree, name), path.join(folder, name));
      writeFileSync(path.join(folder, 'vmlinux'), readFileSync(path.join(tree, 'vmlinux')));
      spoil(path.join(folder, 'vmlinux'));
      const { kind, message } = await refusal(addKernel(folder));
      expect(['invalid-input', 'refused']).toContain(kind);
      expect(message).toMatch(/ELF|vmlinux/);
      fleet.worker.assertRunning();
    },
    60_000,
  );

  it('a node that runs another kernel build has no part in a rollout', async () => {
    const foreign = await fleet.addNode('foreign');
    await foreign.kernel.change({ kernelBuild: parseKernelBuildId('cd'.repeat(20)), release: '9.9.9' });
    foreign.agent.start();
    await eventually(
      'it is there',
      async () => {
        const { node } = await fleet.operator.fleet.getNode({ name: 'foreign' });
        return node?.connected === true ? true : undefined;
      },
      { withinMs: 100_000 },
    );
    await operator.submit('good', exampleDiff(fleet.release, ['d'], 'g'));
    await operator.appendOver('good');
    const rollout = await operator.rollOut();
    expect(rollout.status).toBe(RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
    expect(rollout.nodes.map(({ node }) => node)).toEqual(['n1', 'n2']);
    expect(await foreign.holds()).toEqual([]);
    await foreign.agent.stop();
  });
});

describe('machines that do not answer', () => {
  it('a node that is stuck holds nobody else up, and catches up when it goes on', async () => {
    const [first, stuck] = fleet.nodes;
    stuck!.agent.freeze();
    await operator.submit('late', exampleDiff(fleet.release, ['c'], 'l'));
    await operator.appendOver('late');
    const rollout = operator.rollOut();
    await eventually('the other is there', async () => ((await first!.holds()).length === 2 ? true : undefined), {
      withinMs: 100_000,
    });
    expect(await stuck!.holds()).toHaveLength(1);
    stuck!.agent.thaw();
    expect(await rollout).toMatchObject({ status: RolloutStatus.ROLLOUT_STATUS_SUCCEEDED });
    expect(await stuck!.holds()).toEqual(await first!.holds());
  });

  it('a module that does not load halts the rollout at the canary and names the node; the next one goes on', async () => {
    const [first, second] = fleet.nodes;
    const { artifact } = await operator.submit('bad', exampleDiff(fleet.release, ['b'], 'n'));
    await first!.kernel.change({ refuseLoads: [artifact!.moduleName] });
    await operator.appendOver('bad');
    const before = await second!.holds();
    const rollout = await operator.rollOut();
    expect(rollout).toMatchObject({
      status: RolloutStatus.ROLLOUT_STATUS_HALTED,
      nodes: [
        { node: 'n1', notYet: { reason: 'failed' } },
        { node: 'n2', notYet: { reason: 'rollout-halted', message: expect.stringMatching(/n1/) } },
      ],
    });
    expect(await second!.holds()).toEqual(before);
    await first!.kernel.change({ refuseLoads: [] });
    expect(await operator.rollOut()).toMatchObject({ status: RolloutStatus.ROLLOUT_STATUS_SUCCEEDED });
  });

  it('a task that never leaves a function: its node fails in the entry’s time, naming it, and the rollout halts', async () => {
    const [first, second] = fleet.nodes;
    const { artifact } = await operator.submit('held', exampleDiff(fleet.release, ['c'], 'h'));
    const blocker = { pid: 411, comm: 'cat', function: 'version_proc_show' };
    await first!.kernel.change({ sleepers: { [artifact!.moduleName]: [blocker] } });
    await fleet.operator.fleet.updateCluster({
      name: fleet.cluster,
      consistency: undefined,
      transitionTimeoutMs: 2000,
    });
    const entry = await operator.appendOver('held');
    expect(entry.body).toMatchObject({ value: { transitionTimeoutMs: 2000 } });
    const before = await second!.holds();
    expect(await operator.rollOut()).toMatchObject({
      status: RolloutStatus.ROLLOUT_STATUS_HALTED,
      nodes: [
        { node: 'n1', notYet: { reason: 'failed', message: expect.stringMatching(/within 2000 ms.*411 \(cat\)/) } },
        { node: 'n2', notYet: { reason: 'rollout-halted' } },
      ],
    });
    expect(await second!.holds()).toEqual(before);
    const blocking = await runLockstep(fleet.server.stateDir, ['node', 'blocking', 'n1', '--json']);
    expect(JSON.parse(blocking.stdout)).toMatchObject({
      problem: { reason: 'transition-timeout' },
      transition: { moduleName: artifact!.moduleName, mode: 'per_task', blockers: [blocker] },
    });
    await first!.kernel.change({ sleepers: {} });
    await fleet.operator.fleet.updateCluster({ name: fleet.cluster, consistency: undefined, transitionTimeoutMs: 0 });
    expect(await operator.rollOut()).toMatchObject({ status: RolloutStatus.ROLLOUT_STATUS_SUCCEEDED });
    expect(await second!.holds()).toEqual(await first!.holds());
  });

  it('a worker killed in the middle of a build: the job is taken again, once', async () => {
    const building = operator.submit('twice', exampleDiff(fleet.release, ['a', 'b', 'c', 'd'], 't'));
    await eventually(
      'a worker has taken it',
      async () => {
        const { builds } = await fleet.operator.build.listBuilds({});
        return builds.find(
          ({ patchName, status }) => patchName === 'twice' && status === BuildStatus.BUILD_STATUS_RUNNING,
        );
      },
      { withinMs: 100_000, everyMs: 5 },
    );
    await fleet.worker.kill();
    fleet.worker.start();
    expect(await building).toMatchObject({ status: BuildStatus.BUILD_STATUS_SUCCEEDED, attempts: 2 });
  });

  it('a module damaged in the store is noticed before any node loads it', async () => {
    const { artifact } = await operator.submit('rot', exampleDiff(fleet.release, ['a', 'd'], 'r'));
    const store = path.join(fleet.server.stateDir, 'artifacts');
    const names = readdirSync(store, { recursive: true, encoding: 'utf8' });
    const file = path.join(
      store,
      names.find((name) => name.includes(artifact!.sha256.slice(8)))!,
    );
    const whole = readFileSync(file);
    const before = await fleet.nodes[0]!.holds();
    truncateSync(file, 100);
    expect(await refusal(operator.appendOver('rot'))).toMatchObject({ kind: 'corrupt' });
    writeFileSync(file, whole);
    await operator.appendOver('rot');
    truncateSync(file, 100);
    await fleet.operator.fleet.startRollout({
      ...log(),
      toSeq: 0,
      canaries: 0,
      waveSize: 0,
      rules: undefined,
      planHash: '',
      supersede: true,
    });
    await eventually(
      'the canary says so',
      async () => {
        const { nodes } = await fleet.operator.fleet.listNodes({ cluster: 'dev', selector: '', withoutCve: '' });
        return nodes.some(
          ({ report }) => report?.problem !== undefined && report.status !== NodeStatus.NODE_STATUS_IN_STEP,
        )
          ? true
          : undefined;
      },
      { withinMs: 100_000 },
    );
    expect(await fleet.nodes[0]!.holds()).toEqual(before);
  });
});

/** e_machine says ARM. */
function patchMachine(file: string): void {
  const bytes = readFileSync(file);
  bytes.writeUInt16LE(40, 18);
  writeFileSync(file, bytes);
}
