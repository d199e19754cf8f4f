-- SPDX-License-Identifier: GPL-2.0-only
-- AlterTable
ALTER TABLE "nodes" ADD COLUMN     "session_epoch" INTEGER NOT NULL DEFAULT 0;
