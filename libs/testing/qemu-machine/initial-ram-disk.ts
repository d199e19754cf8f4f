// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';

const regularFile = 0o100755;
const folder = 0o040755;

/**
 * An initial RAM disk for a kernel that has no file system of the host's: a cpio archive ("newc", as in the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst), not compressed: an emulated processor takes longer to
 * unpack it than to read it. All files are executable.
 * @param files by path, without a leading slash; the folders that they lie in come by themselves
 */
export function initialRamDisk(files: ReadonlyMap<string, Uint8Array>, folders: readonly string[]): Buffer {
  const parts: Uint8Array[] = [];
  let place = 0;
  const add = (bytes: Uint8Array): void => {
    const padding = Buffer.alloc(-(place + bytes.length) & 3);
    parts.push(bytes, padding);
    place += bytes.length + padding.length;
  };
  const entry = (name: string, mode: number, content: Uint8Array): void => {
    const fields = [parts.length + 1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
    add(Buffer.from(`${header}${name}\0`, 'latin1'));
    add(content);
  };
  const made = new Set(['.']);
  const addFolder = (name: string): void => {
    if (made.has(name)) return;
    addFolder(path.dirname(name));
    made.add(name);
    entry(name, folder, new Uint8Array(0));
  };
  folders.forEach(addFolder);
  for (const [name, content] of files) {
    addFolder(path.dirname(name));
    entry(name, regularFile, content);
  }
  entry('TRAILER!!!', 0, new Uint8Array(0));
  return Buffer.concat(parts);
}
