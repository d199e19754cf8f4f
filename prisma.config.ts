// SPDX-License-Identifier: GPL-2.0-only
import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  // Only `prisma migrate` connects; generating needs no database.
  datasource: { url: process.env['LOCKSTEP_DATABASE_URL'] ?? '' },
});
