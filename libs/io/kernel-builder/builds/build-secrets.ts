// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { isMissing } from '../processes/errno';

/** Files of keys by their names; what is in them decides. */
const keyName = /\.(?:pem|key|priv)$/;
/** Longer than any key. */
const longestBytes = 1 << 16;

const none = (error: unknown): never[] => {
  if (isMissing(error)) return [];
  throw error;
};

/**
 * Private keys in a kernel's own tree, by their paths in it: kbuild makes one in certs/, to sign the kernel's modules with, and
 * leaves it there. No diff and no other worker has a use for them: whoever has one signs what kernels of that build load.
 */
export async function buildSecrets(treeDir: string): Promise<string[]> {
  const inCerts = (await readdir(join(treeDir, 'certs')).catch(none)).map((name) => `certs/${name}`);
  const configured = await configuredKey(treeDir);
  const named = [...new Set([...inCerts.filter((path) => keyName.test(path)), ...configured])].sort();
  const secret = await Promise.all(named.map((path) => holdsPrivateKey(join(treeDir, path))));
  return named.filter((_, index) => secret[index]);
}

/** What CONFIG_MODULE_SIG_KEY says, where that lies in the tree. */
async function configuredKey(treeDir: string): Promise<string[]> {
  const config = await readFile(join(treeDir, '.config'), 'latin1').catch(() => '');
  const [, given = ''] = /^CONFIG_MODULE_SIG_KEY="(.*)"$/m.exec(config) ?? [];
  const path = normalize(given);
  return given === '' || path.startsWith('/') || path.startsWith('..') || given.startsWith('pkcs11:') ? [] : [path];
}

async function holdsPrivateKey(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true || found.size > longestBytes) return false;
  return (await readFile(file, 'latin1')).includes('PRIVATE KEY-----');
}

/** So that make finds a key where its configuration says, older than what was made of it, and makes no other. */
export async function blankSecrets(treeDir: string, paths: readonly string[]): Promise<void> {
  const { mtime } = await stat(join(treeDir, '.config'));
  for (const path of new Set([...paths, ...(await configuredKey(treeDir))])) {
    const file = join(treeDir, path);
    await rm(file, { force: true });
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, '');
    await utimes(file, mtime, mtime);
  }
}
