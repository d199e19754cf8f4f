// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import { access, constants, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { defaultCacheDirectory } from '@lockstep/io/kernel-builder';
import type { Accelerator } from './qemu-arguments';

/** A kernel without a root file system under KVM panics in well under a second where KVM works. */
const probeSeconds = 10;

let asked: Promise<Accelerator> | undefined;

/** KVM if a kernel has really booted under it since this host did, otherwise emulation. */
export async function chooseAccelerator(kernelImage: string): Promise<Accelerator> {
  asked ??= keptOrProbed(kernelImage);
  return asked;
}

/** Where KVM is there and does not work, each process that asks anew spins for as long as it may. */
async function keptOrProbed(kernelImage: string): Promise<Accelerator> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'tcg';
  }
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
  const file = path.join(defaultCacheDirectory(), 'accelerator');
  const kept = await readFile(file, 'latin1').catch(() => '');
  if (kept === `kvm ${bootId}`) return 'kvm';
  if (kept === `tcg ${bootId}`) return 'tcg';
  const accelerator = await probe(kernelImage);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.${process.pid}`, `${accelerator} ${bootId}`);
  await rename(`${file}.${process.pid}`, file);
  return accelerator;
}

async function probe(kernelImage: string): Promise<Accelerator> {
  const child = spawn(
    // It ends also when whoever asked has been killed.
    'timeout',
    [
      ...['-s', 'KILL', `${probeSeconds}`, 'qemu-system-x86_64'],
      ...[
        '-nodefaults',
        '-no-user-config',
        '-display',
        'none',
        '-no-reboot',
        '-accel',
        'kvm',
        '-cpu',
        'max',
        '-m',
        '256',
      ],
      ...['-kernel', kernelImage, '-append', 'console=ttyS0 panic=-1', '-serial', 'stdio'],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')));
  await new Promise<void>((resolve) => {
    child.once('error', () => {
      resolve();
    });
    child.once('close', () => {
      resolve();
    });
  });
  // The panic for want of a root is the last thing a kernel does that went through all of its start.
  return output.includes('Unable to mount root fs') ? 'kvm' : 'tcg';
}
