-- SPDX-License-Identifier: GPL-2.0-only
-- CreateTable
CREATE TABLE "bulk_join_tokens" (
    "secret_sha256" TEXT NOT NULL,
    "cluster_name" TEXT NOT NULL,
    "allow" TEXT NOT NULL,
    "left" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "bulk_join_tokens_pkey" PRIMARY KEY ("secret_sha256")
);

-- CreateIndex
CREATE INDEX "bulk_join_tokens_expires_at_idx" ON "bulk_join_tokens"("expires_at");

-- AddForeignKey
ALTER TABLE "bulk_join_tokens" ADD CONSTRAINT "bulk_join_tokens_cluster_name_fkey" FOREIGN KEY ("cluster_name") REFERENCES "clusters"("name") ON DELETE RESTRICT ON UPDATE CASCADE;
