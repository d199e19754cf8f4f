-- SPDX-License-Identifier: GPL-2.0-only
-- AlterTable
ALTER TABLE "nodes" ADD COLUMN "revoked_at" TIMESTAMPTZ(3);
