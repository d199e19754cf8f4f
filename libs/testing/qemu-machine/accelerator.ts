// SPDX-License-Identifier: GPL-2.0-only
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import type { Accelerator } from './qemu-arguments';

/** A kernel without a root file system under KVM panics in well under a second where KVM works. */
const probeTimeoutMs = 10_000;

const known = new Map<string, Promise<Accelerator>>();

/** KVM if this kernel really booted under it just now, otherwise emulation; asked once a run. */
export async function chooseAccelerator(kernelImage: string): Promise<Accelerator> {
  const asked = known.get(kernelImage) ?? probe(kernelImage);
  known.set(kernelImage, asked);
  return asked;
}

async function probe(kernelImage: string): Promise<Accelerator> {
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'tcg';
  }
  const child = spawn(
    'qemu-system-x86_64',
    [
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
  const timer = setTimeout(() => child.kill('SIGKILL'), probeTimeoutMs);
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
  clearTimeout(timer);
  // The panic for want of a root is the last thing a kernel does that went through all of its start.
  return output.includes('Unable to mount root fs') ? 'kvm' : 'tcg';
}
