#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# prisma, @prisma/client and @prisma/adapter-pg 7.10.0, Node.js 20.20.
#
# For each failed call Prisma shows the line of the program that made it. To find that line it reads the caller's file from
# the disk and splits all of it into lines, synchronously, every time. A server that is bundled into one file pays by the
# size of the bundle, and errors come in crowds: when the database is away, or when serialisable transactions meet and are
# tried again. `errorFormat: 'minimal'` reads nothing.
#
# Seen: 30 failed calls (nobody listens at the port) in a program of 8 MB:
#   errors as they come by default: 60.9 ms of CPU each; minimal: 1.3 ms
#   the file was opened 30 times, and 0 times
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts \
  prisma@7.10.0 @prisma/client@7.10.0 @prisma/adapter-pg@7.10.0 esbuild@0.28.2
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
const fs = require('node:fs');
let opened = 0;
const read = fs.readFileSync;
fs.readFileSync = (file: unknown, ...rest: unknown[]) => {
  if (file === __filename) opened += 1;
  return read(file, ...rest);
};
async function cost(errorFormat: 'minimal' | undefined) {
  const adapter = new PrismaPg({ connectionString: 'postgresql://nobody@127.0.0.1:9/none' });
  const db = new PrismaClient({ adapter, ...(errorFormat && { errorFormat }) });
  const fail = () => db.seat.findMany().then(() => process.exit(1), () => undefined);
  for (let warm = 0; warm < 5; warm += 1) await fail();
  opened = 0;
  const before = process.cpuUsage();
  for (let call = 0; call < 30; call += 1) await fail();
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1000 / 30, opened };
}
async function main() {
  const usual = await cost(undefined);
  const minimal = await cost('minimal');
  console.log(`errors as they come by default: ${usual.ms.toFixed(1)} ms of CPU each; minimal: ${minimal.ms.toFixed(1)} ms`);
  console.log(`the file was opened ${usual.opened} times, and ${minimal.opened} times`);
  process.exit(usual.opened >= 30 && minimal.opened === 0 && usual.ms > 3 * minimal.ms ? 0 : 1);
}
void main();
TS
node_modules/.bin/esbuild probe.ts --bundle --platform=node --outfile=bundle.js --log-level=error --external:pg-native
# As long as a server's bundle.
node -e '
const fs = require("node:fs");
const lines = Math.ceil((8e6 - fs.statSync("bundle.js").size) / 40);
fs.appendFileSync("bundle.js", "// a line that is as long as most are....\n".repeat(lines));'
node bundle.js
