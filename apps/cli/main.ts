// SPDX-License-Identifier: GPL-2.0-only
import { createCli } from './cli';
import { runProgram } from './program';

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
void runProgram(cli, process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
