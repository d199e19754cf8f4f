// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { Option, type Command } from 'commander';
import type { AddKernelRequest, KernelBuild } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { distributions, parseStockName } from '@lockstep/domain/vendor-kernel';
import { leafCommand, type Cli, type LeafOptions, type TaskContext } from '../cli';
import { toDocument } from '../document';

async function register({ build, screen, signal }: TaskContext, request: AddKernelRequest): Promise<KernelBuild> {
  const progress = screen.progress('kernel');
  try {
    for await (const { event } of build.addKernel(request, { signal })) {
      if (event?.$case === 'kernelBuild') return event.value;
      if (event?.$case !== 'progress') continue;
      const { done, total, stage } = event.value;
      progress.update({ done, total, detail: stage });
    }
  } finally {
    progress.stop();
  }
  throw new LockstepError('internal', 'no-answer', 'The server ended without naming the kernel build.', {
    path: request.path,
  });
}

interface Options extends LeafOptions {
  readonly distribution?: string;
  readonly from?: string;
}

function requestFor(what: string, { distribution, from }: Options): AddKernelRequest {
  if (distribution !== undefined)
    return { path: from === undefined ? '' : path.resolve(from), stock: parseStockName(distribution, what) };
  if (from === undefined) return { path: path.resolve(what), stock: undefined };
  const message = "--from is the folder of a distribution's packages: name the distribution with --distribution.";
  throw new LockstepError('invalid-input', 'usage', message);
}

export const addKernel = (cli: Cli): Command =>
  leafCommand('add', 'register a finished kernel build, or a kernel that its distribution built')
    .argument(
      '<folder-or-release>',
      'the build folder, source and output, as the workers see it: they run the commands that its build has saved; with --distribution the release, as uname -r says it',
    )
    .addOption(
      new Option('--distribution <name>', 'a kernel that this distribution built, from its packages').choices(
        distributions,
      ),
    )
    .option(
      '--from <dir>',
      'its packages, unpacked there, as the workers see it (default: a worker fetches them through apt)',
    )
    .action((what: string, options: Options) =>
      cli.run(options, async (context) => {
        const kernelBuild = await register(context, requestFor(what, options));
        const text = `Kernel build ${kernelBuild.id}, release ${kernelBuild.release}, ${kernelBuild.compiler}`;
        return { document: toDocument(kernelBuild), text };
      }),
    );
