// SPDX-License-Identifier: GPL-2.0-only
// Installs what the demo needs that is asked for, then tells it. A distribution's own kernel comes in packages of its own, which
// are fetched for it; nobody needs the source of another one.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

const bootstrap = path.resolve(import.meta.dirname, '../bootstrap/bootstrap.mjs');
const need = process.argv.includes('--stock') ? 'stock' : 'demo';
try {
  execFileSync(process.execPath, [bootstrap, '--for', need], { stdio: 'inherit' });
} catch (error) {
  // It has said why.
  process.exit(error.status ?? 1);
}
await import('../../dist/demo.js');
