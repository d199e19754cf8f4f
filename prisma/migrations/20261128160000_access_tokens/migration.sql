-- SPDX-License-Identifier: GPL-2.0-only
-- CreateTable
CREATE TABLE "access_tokens" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "roles" TEXT[],
    "clusters" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "everywhere" BOOLEAN NOT NULL,
    "secret_sha256" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "access_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "access_tokens_secret_sha256_key" ON "access_tokens"("secret_sha256");

-- A name means one token that is good. Those that are revoked keep theirs, as a record.
CREATE UNIQUE INDEX "access_tokens_name_key" ON "access_tokens"("name") WHERE "revoked_at" IS NULL;
