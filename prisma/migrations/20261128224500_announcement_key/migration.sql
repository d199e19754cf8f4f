-- SPDX-License-Identifier: GPL-2.0-only
CREATE TABLE "announcement_key" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "secret" TEXT NOT NULL,

    CONSTRAINT "announcement_key_pkey" PRIMARY KEY ("id")
);

-- Random, 244 bits.
INSERT INTO "announcement_key" ("secret") VALUES (gen_random_uuid()::text || gen_random_uuid()::text);
