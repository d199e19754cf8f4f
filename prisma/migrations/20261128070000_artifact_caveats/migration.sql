-- SPDX-License-Identifier: GPL-2.0-only
-- AlterTable
ALTER TABLE "artifacts" ADD COLUMN     "caveats" JSONB NOT NULL DEFAULT '[]';
