-- SPDX-License-Identifier: GPL-2.0-only
-- CreateTable
CREATE TABLE "revoked_keys" (
    "certificate_fingerprint" TEXT NOT NULL,
    "node_name" TEXT NOT NULL,
    "revoked_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "revoked_keys_pkey" PRIMARY KEY ("certificate_fingerprint")
);

INSERT INTO "revoked_keys" SELECT "certificate_fingerprint", "name", "revoked_at" FROM "nodes"
    WHERE "revoked_at" IS NOT NULL ON CONFLICT DO NOTHING;
