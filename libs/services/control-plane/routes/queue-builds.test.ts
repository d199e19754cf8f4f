// SPDX-License-Identifier: GPL-2.0-only
import { expect, jest, test } from '@jest/globals';
import { parseKernelBuildId, type KernelBuildId } from '@lockstep/domain/livepatch-model';
import { chosenKernels } from './queue-builds';

const known = parseKernelBuildId('ab'.repeat(20));

function kernels() {
  const require = jest.fn((id: KernelBuildId) =>
    id === known ? Promise.resolve({ id }) : Promise.reject(new Error('not registered')),
  );
  return { require, list: () => Promise.resolve([{ id: known }]) };
}

const choose = (kernelBuilds: ReturnType<typeof kernels>, ids: readonly string[]) =>
  chosenKernels({ kernelBuilds } as never, ids);

test('those that are named, each once; all there are where none is', async () => {
  expect(await choose(kernels(), [known, known])).toEqual([known]);
  expect(await choose(kernels(), [])).toEqual([known]);
  await expect(choose(kernels(), ['0'.repeat(64)])).rejects.toThrow('not registered');
});

test('where one cannot be meant none is asked for: whoever is not there would have nobody to be told to', async () => {
  const store = kernels();
  await expect(choose(store, ['0'.repeat(64), 'none'])).rejects.toMatchObject({ kind: 'invalid-input' });
  expect(store.require).not.toHaveBeenCalled();
});
