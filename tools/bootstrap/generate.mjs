// SPDX-License-Identifier: GPL-2.0-only
// Generated code: ts-proto's types from proto/, Prisma's client from prisma/. Neither needs the network.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const bin = (name) => path.join(root, 'node_modules/.bin', name);
const run = (name, args, env = {}) =>
  execFileSync(bin(name), args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });

run('buf', ['generate']);
// The same messages with their comments, for the description of the HTTP API.
const descriptors = path.join(root, 'libs/contracts/generated/src/descriptors.json');
run('buf', ['build', '--as-file-descriptor-set', '--path', 'proto/lockstep', '--output', descriptors]);
if (existsSync(path.join(root, 'prisma/schema.prisma'))) {
  // Generating asks for the schema engine but never runs it; its download is not needed.
  run('prisma', ['generate'], { PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true' });
}
