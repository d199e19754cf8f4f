// SPDX-License-Identifier: GPL-2.0-only
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { NodeStatus } from '@lockstep/contracts/generated';
import { parseKernelBuildId, parseModuleName, type PatchedFunction } from '@lockstep/domain/livepatch-model';
import { buildSignerOf, buildVerifierOf, createBuildKey } from '@lockstep/io/certificates';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { writtenLivepatch, type SaidOfModule } from '@lockstep/testing/object-fixtures';
import { TestNode } from './tests/test-node';

/** Its thief has all keys of the control plane (the CA, the log's), and not the build key. */
const key = createBuildKey();
const [builder, thief] = [key, createBuildKey()].map(({ privateKeyPem }) => buildSignerOf(privateKeyPem));
const isSigned = buildVerifierOf([key.publicKeyPem]);

let node: TestNode;

beforeEach(async () => {
  node = await TestNode.create();
});
afterEach(() => node.remove());

const fn = (name: string): PatchedFunction => ({ object: 'vmlinux', name, sympos: 0 });

function module(over: Partial<SaidOfModule> = {}): Uint8Array {
  const said = { moduleName: parseModuleName('lockstep_a'), kernelBuild: node.plane.log.kernelBuild, replace: false };
  return writtenLivepatch({ ...said, functions: [fn('a')], release: '6.1.0-test', ...over });
}

/** The thief orders a module: what the node reports, and that its kernel has nothing of it. */
async function order(bytes: Uint8Array, name = 'a', functions = 'a', unsigned: Uint8Array[] = []): Promise<string> {
  const { plane } = node;
  plane.append(name, functions, [], { module: bytes });
  await node.startAgent({ buildPolicy: { isSigned, unsigned: new Set(unsigned.map((one) => sha256OfBytes(one))) } });
  await node.inStep(0);
  plane.moveTo(1);
  await node.until('an end', () => plane.lastReport?.problem !== undefined || plane.lastReport?.position === 1);
  return `${plane.lastReport?.problem?.reason ?? 'loaded'}: ${await node.held()}`;
}

test('what was built and ordered is loaded', async () => {
  expect(await order(builder!.sign(module()))).toBe('loaded: lockstep_a');
  await node.inStep(1);
});

test.each<[string, () => Uint8Array, string]>([
  ['one that nobody signed', () => module(), 'not-vouched-for'],
  ['one that another key signed', () => thief!.sign(module()), 'not-vouched-for'],
  [
    'one with the signature of another',
    () => {
      const signed = builder!.sign(module({ functions: [fn('other')] }));
      return Buffer.concat([module(), signed.subarray(-(64 + 29))]);
    },
    'not-vouched-for',
  ],
  [
    'one that goes on behind its signature',
    () => Buffer.concat([builder!.sign(module()), Buffer.from('more')]),
    'not-vouched-for',
  ],
  [
    'one for another kernel build',
    () => builder!.sign(module({ kernelBuild: parseKernelBuildId('cd'.repeat(20)) })),
    'module-differs',
  ],
  [
    'one under a name that it has not',
    () => builder!.sign(module({ moduleName: parseModuleName('lockstep_b') })),
    'module-differs',
  ],
  [
    'one that changes more than it says',
    () => builder!.sign(module({ functions: [fn('a'), fn('hidden')] })),
    'module-differs',
  ],
  ['one that replaces the others in secret', () => builder!.sign(module({ replace: true })), 'module-differs'],
])('a stolen control plane can order %s, and the kernel has nothing of it', async (_, make, reason) => {
  expect(await order(make())).toBe(`${reason}: `);
  await node.untilReported(NodeStatus.NODE_STATUS_FAILED, 0);
});

test('it can take away what is there: that needs no module', async () => {
  await order(builder!.sign(module()));
  await node.inStep(1);
  node.plane.retire(1);
  node.plane.offer();
  node.plane.moveTo(2);
  await node.inStep(2);
  expect(await node.held()).toBe('');
});

test('that word is of one module from before there was a key: it is compared with what the log says of it all the same', async () => {
  const old = module({ functions: [fn('a'), fn('hidden')] });
  expect(await order(old, 'a', 'a', [old])).toBe('module-differs: ');
});

test('an older module is loaded by the word of whoever runs the machine, and a machine without build keys goes on', async () => {
  const old = module();
  expect(await order(old, 'a', 'a', [old])).toBe('loaded: lockstep_a');
});
