// SPDX-License-Identifier: GPL-2.0-only
import { visibleText } from '@lockstep/domain/visible-text';
import { createCli } from './cli';
import { exitCodes } from './exit-code';
import { runTraced } from './run-traced';

const interrupt = new AbortController();
process.once('SIGINT', () => {
  interrupt.abort();
});
// `lockstep … | head` ends us, quietly.
process.stdout.on('error', () => process.exit(0));

const cli = createCli({
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupt.signal,
});
runTraced(cli, process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(
      `error: ${visibleText(error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`,
    );
    process.exitCode = exitCodes.failed;
  },
);
