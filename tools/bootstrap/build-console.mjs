// SPDX-License-Identifier: GPL-2.0-only
// The web console under dist/console/, made again when what it is made of has changed. Whoever reads the folder meanwhile finds
// the one before whole.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const root = path.resolve(import.meta.dirname, '../..');
const finished = path.join(root, 'dist/console');
const stamp = path.join(root, 'dist/console.stamp');
const sources = ['apps/console', 'libs/domain', 'package-lock.json', 'tools/bootstrap/build-console.mjs'];

/** All that a browser is ever sent, compressed. */
export const mostBytes = 350 * 1024;

const isSource = (file) => !file.includes(`${path.sep}tests${path.sep}`) && !file.endsWith('.test.ts');

function filesUnder(place) {
  if (statSync(place).isFile()) return [place];
  return readdirSync(place, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

function contentHash() {
  const hash = createHash('sha256');
  const files = sources.flatMap((place) => filesUnder(path.join(root, place))).filter(isSource);
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

const compressedBytes = (folder) =>
  filesUnder(folder)
    .map((file) => gzipSync(readFileSync(file)).length)
    .reduce((sum, bytes) => sum + bytes, 0);

export async function buildConsole() {
  const hash = contentHash();
  const isFresh = existsSync(stamp) && existsSync(finished) && readFileSync(stamp, 'utf8') === hash;
  if (isFresh) return;
  // Vite goes by the caller's: a test would look at React's development build, which is half as large again, and ship it.
  process.env.NODE_ENV = 'production';
  // Only who builds it has to wait for the bundler.
  const { build } = await import('vite');
  const outDir = `${finished}.${process.pid}`;
  const configFile = path.join(root, 'apps/console/vite.config.mjs');
  await build({ configFile, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
  const bytes = compressedBytes(outDir);
  rmSync(finished, { recursive: true, force: true });
  renameSync(outDir, finished);
  writeFileSync(stamp, hash);
  process.stderr.write(`console: ${(bytes / 1024).toFixed(0)} KB compressed in all, of ${mostBytes / 1024}\n`);
  if (bytes > mostBytes) throw new Error('The console has grown too large: load what one page needs with that page.');
}
