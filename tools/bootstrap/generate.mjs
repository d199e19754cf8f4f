// SPDX-License-Identifier: GPL-2.0-only
// Generated code: ts-proto's types from proto/, the HTTP API's description from them, its types from that, Prisma's client
// from prisma/. None needs the network.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import openapiTS, { astToString } from 'openapi-typescript';

const root = path.resolve(import.meta.dirname, '../..');
const bin = (name) => path.join(root, 'node_modules/.bin', name);
const run = (name, args, env = {}) =>
  execFileSync(bin(name), args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });

run('buf', ['generate']);
// The same messages with their comments, for the description of the HTTP API.
const descriptors = path.join(root, 'libs/contracts/generated/src/descriptors.json');
run('buf', ['build', '--as-file-descriptor-set', '--path', 'proto/lockstep', '--output', descriptors]);
await describeHttpApi();
if (existsSync(path.join(root, 'prisma/schema.prisma'))) {
  // Generating asks for the schema engine but never runs it; its download is not needed.
  run('prisma', ['generate'], { PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true' });
}

/** The description that a control plane answers with, and the types of a client of it. */
async function describeHttpApi() {
  const outfile = path.join(root, 'node_modules/.cache/lockstep/open-api.cjs');
  mkdirSync(path.dirname(outfile), { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: ['libs/services/control-plane/http/open-api.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    packages: 'external',
    logLevel: 'warning',
  });
  const document = JSON.stringify(createRequire(import.meta.url)(outfile).openApiDocument(), null, 2);
  const generated = path.join(root, 'libs/contracts/generated/src');
  writeFileSync(path.join(generated, 'http-api.json'), document);
  writeFileSync(path.join(generated, 'http-api.d.ts'), astToString(await openapiTS(document)));
}
