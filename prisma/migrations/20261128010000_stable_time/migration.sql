-- SPDX-License-Identifier: GPL-2.0-only
-- AlterTable
ALTER TABLE "clusters" ADD COLUMN     "stable_ms" INTEGER;
