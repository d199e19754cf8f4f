// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { endProcessGroups } from '@lockstep/io/kernel-builder';

const inUse = new Set<ScratchDirectory>();

/** A folder for what a program needs while it runs: gone with its scope, and, with the programs that use it, when this one is interrupted. */
export class ScratchDirectory implements Disposable {
  private constructor(readonly path: string) {}

  /** @param purpose part of its name @param parent where it is, made if need be; the system's folder for temporary files if left out */
  static create(purpose: string, parent = tmpdir()): ScratchDirectory {
    mkdirSync(parent, { recursive: true });
    if (inUse.size === 0) for (const signal of signals) process.on(signal, endBy);
    const directory = new ScratchDirectory(mkdtempSync(path.join(parent, `lockstep-${purpose}-`)));
    inUse.add(directory);
    return directory;
  }

  [Symbol.dispose](): void {
    inUse.delete(this);
    // Whoever was just killed may have made one more file while the folder was emptied.
    rmSync(this.path, { recursive: true, force: true, maxRetries: 10 });
    if (inUse.size === 0) for (const signal of signals) process.off(signal, endBy);
  }
}

const signals = ['SIGINT', 'SIGTERM'] as const;

function endBy(signal: (typeof signals)[number]): void {
  endProcessGroups();
  try {
    for (const directory of inUse) directory[Symbol.dispose]();
  } catch (error) {
    process.stderr.write(`left behind: ${String(error)}\n`);
  }
  process.exit(128 + constants.signals[signal]);
}
