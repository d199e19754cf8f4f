// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { readLivepatchModule, type LivepatchFile } from '@lockstep/domain/klp-module';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { refuseOtherKernel, type KernelIdentity } from '@lockstep/io/livepatch-sysfs';
import { fileFault } from '../file-fault';

const compressions: readonly { readonly name: string; readonly magic: readonly number[]; readonly tool: string }[] = [
  { name: 'gzip', magic: [0x1f, 0x8b], tool: 'gunzip' },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], tool: 'unxz' },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], tool: 'unzstd' },
];

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    const message = `${file} cannot be read: ${fileFault(cause)}.`;
    throw new LockstepError('invalid-input', 'unreadable-file', message, { file }, { cause });
  }
}

/**
 * Reads a livepatch module for the kernel that runs.
 * @throws LockstepError `unreadable-file`, `compressed-module`, `wrong-kernel`, and what `readLivepatchModule` says
 */
export async function readModuleFile(file: string, running: KernelIdentity): Promise<LivepatchFile> {
  const bytes = await readBytes(file);
  const compression = compressions.find(({ magic }) => magic.every((byte, at) => bytes[at] === byte));
  if (compression !== undefined) {
    const message = `${file} is compressed with ${compression.name}: uncompress it first (${compression.tool}).`;
    throw new LockstepError('invalid-input', 'compressed-module', message, { file, compression: compression.name });
  }
  const module = readLivepatchModule(bytes, file);
  refuseOtherKernel(file, module, running);
  return module;
}
