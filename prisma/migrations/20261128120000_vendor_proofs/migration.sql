-- SPDX-License-Identifier: GPL-2.0-only
-- AlterTable
ALTER TABLE "artifacts" ADD COLUMN     "proofs" JSONB NOT NULL DEFAULT '[]';
