// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import type { Command } from 'commander';
import type { KernelBuild } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { leafCommand, type Cli, type LeafOptions, type TaskContext } from '../cli';
import { toDocument } from '../document';

async function register({ build, screen, signal }: TaskContext, folder: string): Promise<KernelBuild> {
  const progress = screen.progress('kernel');
  try {
    for await (const { event } of build.addKernel({ path: folder }, { signal })) {
      if (event?.$case === 'kernelBuild') return event.value;
      if (event?.$case !== 'progress') continue;
      const { done, total, stage } = event.value;
      progress.update({ done, total, detail: stage });
    }
  } finally {
    progress.stop();
  }
  throw new LockstepError('internal', 'no-answer', 'The server ended without naming the kernel build.', { folder });
}

export const addKernel = (cli: Cli): Command =>
  leafCommand('add', 'register a finished kernel build: its source and output in one folder')
    .argument('<folder>', 'the build folder, as the workers see it; they run the commands that its build has saved')
    .action((folder: string, options: LeafOptions) =>
      cli.run(options, async (context) => {
        const kernelBuild = await register(context, path.resolve(folder));
        const text = `Kernel build ${kernelBuild.id}, release ${kernelBuild.release}, ${kernelBuild.compiler}`;
        return { document: toDocument(kernelBuild), text };
      }),
    );
