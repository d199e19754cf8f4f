-- SPDX-License-Identifier: GPL-2.0-only
-- AlterTable
ALTER TABLE "clusters" ADD COLUMN     "remove_silent_after_days" INTEGER;
