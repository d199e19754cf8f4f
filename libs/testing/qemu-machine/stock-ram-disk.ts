// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';
import { access, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseElf } from '@lockstep/domain/elf';
import { readModinfo } from '@lockstep/domain/klp-module';
import { readKeptModule } from '@lockstep/io/kernel-builder';
import { initialRamDisk } from './initial-ram-disk';

export interface StockRamDiskOptions {
  /** Of the registered kernel build, with the vendor's modules. */
  readonly treeDir: string;
  /** The repository. */
  readonly root: string;
  /** Modules of the vendor's that the guest finds in /lockstep/later, with those that they need; nobody loads them. */
  readonly laterModules?: readonly string[];
  /** More programs of this host's, of those that it has. */
  readonly programs?: readonly string[];
  /** Files of this host that the guest finds under the same path. */
  readonly hostFiles?: readonly string[];
  /** Made. */
  readonly file: string;
}

/** Disks, network, the host's shell, randomness; the two file systems that it mounts are in every vendor's kernel. */
const bootModules = ['virtio_pci', 'virtio_blk', 'virtio_console', 'virtio_net', 'virtio_rng'];

/** What the machine's init, the agent and whoever asks through the shell run. */
const programs = [
  ...['sh', 'mount', 'cat', 'cut', 'base64', 'flock', 'mkdir', 'mv', 'rm', 'ls', 'sleep', 'dmesg', 'seq', 'grep'],
  ...['insmod', 'rmmod', 'perl'],
];
const programFolders = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'];

/**
 * All that a machine needs that runs a distribution's own kernel: its modules, this host's Node.js and a handful of its programs
 * with their libraries. Some 120 MB, which several machines share.
 */
export async function makeStockRamDisk(options: StockRamDiskOptions): Promise<void> {
  const { treeDir, root, laterModules = [], programs: wanted = [], hostFiles = [], file } = options;
  const files = new Map<string, Uint8Array>();
  const add = async (from: string, to: string): Promise<void> => {
    files.set(to.replace(/^\//, ''), await readFile(from));
  };
  const binaries = new Map([[process.execPath, process.execPath]]);
  for (const name of programs) binaries.set(`/usr/bin/${name}`, await findProgram(name));
  for (const name of wanted) {
    const found = await findProgram(name).catch(() => undefined);
    if (found !== undefined) binaries.set(`/usr/bin/${name}`, found);
  }
  for (const [to, from] of binaries) await add(from, to);
  await add(binaries.get('/usr/bin/sh') ?? '/bin/sh', '/bin/sh');
  for (const library of await librariesOf([...binaries.values()])) await add(library, library);
  const qemu = path.join(root, 'kernel-livepatch/qemu');
  await add(path.join(qemu, 'stock-init'), 'init');
  await add(path.join(qemu, 'init'), 'lockstep/init');
  await add(path.join(qemu, 'stock-fstab'), 'lockstep/fstab');
  const atBoot = await vendorModules(treeDir, bootModules);
  const later = await vendorModules(treeDir, laterModules);
  for (const [name, bytes] of atBoot) files.set(`lockstep/modules/${name}`, bytes);
  for (const [name, bytes] of later) files.set(`lockstep/later/${name}`, bytes);
  for (const one of hostFiles) await add(one, one);
  await writeFile(file, initialRamDisk(files, ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'etc', 'var/lib/lockstep']));
}

async function findProgram(name: string): Promise<string> {
  for (const folder of programFolders) {
    const file = path.join(folder, name);
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  throw new Error(`${name} is in none of ${programFolders.join(', ')}: the machine needs it.`);
}

/** Shared libraries and the loader, by the paths that the loader looks for. */
async function librariesOf(binaries: readonly string[]): Promise<Set<string>> {
  const { stdout } = await promisify(execFile)('ldd', binaries, { maxBuffer: 1 << 24 });
  return new Set([...stdout.matchAll(/(?:=> |^\s)(\/\S+) \(0x/gm)].flatMap(([, library]) => library ?? []));
}

/** A vendor's modules with all that they need, `00-virtio.ko` first; what is built into the kernel is no module. */
export async function vendorModules(treeDir: string, names: readonly string[]): Promise<Map<string, Uint8Array>> {
  const ordered = new Map<string, Uint8Array>();
  const seen = new Set<string>();
  const add = async (name: string): Promise<void> => {
    if (seen.has(name)) return;
    seen.add(name);
    const kept = await readKeptModule(treeDir, name);
    if (kept === undefined) return;
    for (const needed of neededBy(name, kept.module)) await add(needed);
    ordered.set(`${String(ordered.size).padStart(2, '0')}-${name}.ko`, kept.module);
  };
  for (const name of names) await add(name);
  return ordered;
}

function neededBy(name: string, module: Uint8Array): string[] {
  const needed = readModinfo(parseElf(module, `${name}.ko`)).get('depends') ?? '';
  return needed.split(',').flatMap((one) => (one === '' ? [] : [one.replaceAll('-', '_')]));
}
