// SPDX-License-Identifier: GPL-2.0-only
// The web console under dist/console/, made again when what it is made of has changed. Whoever reads the folder meanwhile finds
// the one before whole.
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { namesUnder, publishFile, publishFolder } from './published.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const finished = path.join(root, 'dist/console');
const stamp = path.join(root, 'dist/console.stamp');
const sources = ['apps/console', 'libs/domain', 'package-lock.json', 'tools/bootstrap/build-console.mjs'];
const page = 'index.html';

/** All that a browser is ever sent, compressed. */
export const mostBytes = 350 * 1024;

const isSource = (file) => !file.includes(`${path.sep}tests${path.sep}`) && !file.endsWith('.test.ts');

function filesUnder(place) {
  if (statSync(place).isFile()) return [place];
  return namesUnder(place).map((name) => path.join(place, name));
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
  const isFresh = existsSync(stamp) && existsSync(path.join(finished, page)) && readFileSync(stamp, 'utf8') === hash;
  if (isFresh) return;
  // Vite goes by the caller's: a test would look at React's development build, which is half as large again, and ship it.
  process.env.NODE_ENV = 'production';
  // Only who builds it has to wait for the bundler.
  const { build } = await import('vite');
  const outDir = `${finished}.${process.pid}`;
  const configFile = path.join(root, 'apps/console/vite.config.mjs');
  await build({ configFile, logLevel: 'warn', build: { outDir, emptyOutDir: true } });
  const bytes = compressedBytes(outDir);
  process.stderr.write(`console: ${(bytes / 1024).toFixed(0)} KB compressed in all, of ${mostBytes / 1024}\n`);
  if (bytes > mostBytes) {
    rmSync(outDir, { recursive: true });
    throw new Error('The console has grown too large: leave out what no page needs.');
  }
  publishFolder(outDir, finished, page);
  publishFile(stamp, Buffer.from(hash));
}
