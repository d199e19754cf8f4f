#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Node.js 26.10.0 (20.20.2 the same), events.on().
#
# The iterator that events.on(emitter, name) returns makes two queues with room for 2,048 entries each when it is made, so
# each emitter that is listened to in this way costs 35 KB of heap before anything was said, and for as long as it is
# listened to. Ten thousand streams that are mostly silent: 350 MB.
#
# Seen: 35121 bytes for each of 2000 iterators that were told nothing
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node@26.10.0
cat >probe.cjs <<'JS'
const { EventEmitter, on } = require('node:events');
const count = 2000;
const emitters = Array.from({ length: count }, () => new EventEmitter());
global.gc();
const before = process.memoryUsage().heapUsed;
const iterators = emitters.map((each) => on(each, 'message'));
global.gc();
const bytes = Math.round((process.memoryUsage().heapUsed - before) / count);
console.log(`${bytes} bytes for each of ${iterators.length} iterators that were told nothing`);
process.exitCode = bytes > 30_000 && bytes < 40_000 ? 0 : 1;
JS
node_modules/.bin/node --expose-gc probe.cjs
