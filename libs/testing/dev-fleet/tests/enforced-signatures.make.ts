// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { exampleDiff } from '../example-patches';
import type { FleetProcess } from '../fleet-process';
import { createFleetWorker } from '../fleet-server';
import { MachineNode, type ShownNode } from '../machine-node';

// A node whose kernel takes no module that it cannot check, and is locked down: what is not signed with a key that it trusts is
// not sent there at all.

jest.setTimeout(900_000);

let node: MachineNode;
const workers: FleetProcess[] = [];

const file = (name: string): string => path.join(node.folder, name);
const inCerts = (name: string): string => path.join(node.treeDir, 'certs', name);
const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** Ends the worker that is there, and starts one that signs with this key. */
async function signWith(keyFile: string, certificateFile: string): Promise<void> {
  await (workers.at(-1) ?? node.fleet.worker).stop();
  const { fleet } = node;
  const name = `worker-${workers.length + 2}`;
  const env = { LOCKSTEP_MODULE_KEY: keyFile, LOCKSTEP_MODULE_CERT: certificateFile };
  const worker = createFleetWorker(fleet.folder, fleet.server, undefined, undefined, name, env);
  workers.push(worker);
  worker.start();
}

async function append(name: string, mark: string): Promise<number> {
  writeFileSync(file(`${name}.patch`), exampleDiff(node.fleet.release, ['c'], mark));
  await node.ask('patch', 'submit', file(`${name}.patch`), '--wait');
  const answer = (await node.ask('order', 'append', name, '--cluster', 'dev')) as { entry: { seq: number } };
  return answer.entry.seq;
}

interface NotYet {
  readonly reason: string;
  readonly message: string;
}

/** What a rollout to the head says of the node, which it does not move; the rollout is ended then. */
async function whyNotMoved(): Promise<NotYet | undefined> {
  const begun = await node.ask('rollout', 'start', '--cluster', 'dev');
  const { id } = begun as { id: string };
  const { nodes } = (await node.ask('rollout', 'show', id)) as { nodes: readonly { notYet?: NotYet }[] };
  await node.ask('rollout', 'abort', id, '--reason', 'it has said why');
  return nodes[0]?.notYet;
}

const keyIdOf = (certificateFile: string): string =>
  /[0-9A-F]{2}(?::[0-9A-F]{2}){7,}/
    .exec(openssl('x509', '-in', certificateFile, '-noout', '-ext', 'subjectKeyIdentifier').toString())?.[0]
    .replaceAll(':', '')
    .toLowerCase() ?? '';

/** What the kernel has said to modules that it would not take. */
const refusals = (): Promise<string> =>
  node.machine.run("dmesg | grep 'is rejected$\\|module loading is restricted' || true");
const answers = async (): Promise<string> => (await node.machine.run('tail -1 /proc/version')).trim();

beforeAll(async () => {
  node = await MachineNode.start(parseNodeName('enforced'), {
    flavour: 'signatures',
    kernelArguments: ['module.sig_enforce=1', 'lockdown=integrity'],
  });
  writeFileSync(file('trusted.pem'), openssl('x509', '-inform', 'der', '-in', inCerts('signing_key.x509')));
  const subject = ['-subj', '/CN=Nobody knows this one', '-days', '2'];
  openssl(
    'req',
    '-new',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    ...subject,
    '-keyout',
    file('o.key'),
    '-out',
    file('o.pem'),
  );
}, kernelTestSetupMs);

afterAll(async () => {
  for (const worker of workers) await worker.stop();
  await node[Symbol.asyncDispose]();
});

interface Enforcing extends ShownNode {
  readonly report: ShownNode['report'] & {
    readonly obstacles: readonly { readonly kind: string; readonly trusted: readonly string[] }[];
  };
}

it('tells that its kernel enforces signatures, and which keys that trusts', async () => {
  const shown = await node.shown<Enforcing>(
    'the node says what is in the way',
    ({ report }) => report.status === 'in-step' && report.obstacles.length > 0,
  );
  expect(shown.report.obstacles).toMatchObject([
    { kind: 'signature-enforced', trusted: [keyIdOf(file('trusted.pem'))] },
  ]);
});

it('is not sent a module without a signature, nor one that is signed by somebody else', async () => {
  const unsigned = await append('unsigned', '1');
  expect(await whyNotMoved()).toEqual({
    reason: 'obstructed',
    message: expect.stringMatching(new RegExp(`takes no unsigned module .*, and #${unsigned} has no signature for it`)),
  });
  await node.ask('order', 'retire', String(unsigned), '--cluster', 'dev');
  await signWith(file('o.key'), file('o.pem'));
  const foreign = await append('foreign', '2');
  expect(await whyNotMoved()).toEqual({
    reason: 'obstructed',
    message: expect.stringContaining(`shows no key ${keyIdOf(file('o.pem'))}, with which #${foreign} is signed`),
  });
  await node.ask('order', 'retire', String(foreign), '--cluster', 'dev');
  // It was not tried, and nothing of it came to the kernel.
  expect(await refusals()).toBe('');
});

it('loads what is signed with the key that its kernel trusts, in a rollout like any other', async () => {
  await signWith(inCerts('signing_key.pem'), file('trusted.pem'));
  const seq = await append('signed', '3');
  expect((await node.rollOut()).code).toBe(0);
  await node.shown('the node is in step', ({ report }) => report?.status === 'in-step' && report.position === seq);
  expect(await answers()).toBe('lockstep: c3');
  expect(await refusals()).toBe('');
  // The kernel does enforce it: what is asked behind everybody's back is refused.
  const refused = await node.machine.exec(`insmod ${inCerts('../lib/livepatch/test_klp_livepatch.ko')}`, 120_000);
  expect(refused.status).not.toBe(0);
  expect(await refusals()).not.toBe('');
});
