// SPDX-License-Identifier: GPL-2.0-only
// One file an app under dist/, so that starting one reads one file. Packages stay outside, except for what is copied
// to other machines (a node gets that one file and Node.js) or started often.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { buildConsole } from './build-console.mjs';
import { bundleTarget } from '../node-versions/node-versions.mjs';
import { publishFile } from './published.mjs';

const root = path.resolve(import.meta.dirname, '../..');

const entries = [
  { out: 'control-plane', from: 'apps/control-plane/main.ts' },
  { out: 'build-worker', from: 'apps/build-worker/main.ts' },
  { out: 'node-agent', from: 'apps/node-agent/main.ts', standalone: true },
  { out: 'fleet-agent', from: 'apps/node-agent/tests/fleet-agent.ts', standalone: true },
  { out: 'lockstep', from: 'apps/cli/main.ts', standalone: true },
  { out: 'demo', from: 'tools/demo/main.ts' },
  { out: 'test-kernel', from: 'tools/test-kernel/main.ts' },
  { out: 'bench-consistency', from: 'tools/bench-consistency/main.ts' },
  { out: 'bench-build', from: 'tools/bench-build/main.ts' },
  { out: 'bench-stock', from: 'tools/bench-stock/main.ts' },
  { out: 'bench-diff', from: 'tools/bench-diff/main.ts' },
  { out: 'soak', from: 'tools/soak/main.ts' },
  { out: 'story', from: 'tools/story/main.ts' },
  { out: 'story-agents', from: 'tools/story/agents-process.ts' },
  { out: 'fuzz-rpc', from: 'tools/fuzz-rpc/main.ts' },
  { out: 'bench-flood', from: 'tools/bench-flood/main.ts' },
  { out: 'sim-planner', from: 'tools/sim-planner/main.ts' },
  { out: 'soak-heap-probe', from: 'libs/testing/heap-soak/heap-probe.ts' },
  // As deep as the sources: the fleets of tests find the repository from where their code is.
  { out: 'bench/agent/main', from: 'tools/bench-agent/main.ts' },
  { out: 'bench-database', from: 'tools/bench-database/main.ts' },
  { out: 'bench-fleet', from: 'tools/bench-fleet/main.ts' },
  { out: 'bench-fleet-floor', from: 'tools/bench-fleet/floor-server.ts' },
  { out: 'bench-fleet-swarm', from: 'tools/bench-fleet/swarm-process.ts' },
  { out: 'bench-fleet-probe', from: 'tools/bench-fleet/event-loop-probe.ts' },
  { out: 'bench-console', from: 'tools/bench-console/main.ts' },
  { out: 'bench-load', from: 'tools/bench-load/main.ts' },
  { out: 'compare-verdicts', from: 'tools/compare-verdicts/main.ts' },
  { out: 'test-mutations', from: 'tools/mutation-test/main.ts' },
  { out: 'real-fixes', from: 'tools/real-fixes/main.ts' },
  { out: 'prove-kernel', from: 'tools/prove-kernel/main.ts' },
].filter(({ from }) => existsSync(path.join(root, from)));

async function bundle({ out, from, standalone }) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [from],
    outfile: `dist/${out}.js`,
    write: false,
    bundle: true,
    platform: 'node',
    target: bundleTarget,
    format: 'cjs',
    packages: standalone ? 'bundle' : 'external',
    sourcemap: 'linked',
    logLevel: 'warning',
    banner: { js: '#!/usr/bin/env node' },
    define: { 'import.meta.url': '__filename' },
  });
  for (const { path: place, contents } of outputFiles) publishFile(place, contents);
}

await Promise.all([buildConsole(), ...entries.map(bundle)]);
