-- SPDX-License-Identifier: GPL-2.0-only
-- AlterTable
ALTER TABLE "patches" ADD COLUMN     "allowed_because" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "allowed_types" TEXT[] DEFAULT ARRAY[]::TEXT[];
