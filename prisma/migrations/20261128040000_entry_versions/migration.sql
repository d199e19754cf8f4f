-- SPDX-License-Identifier: GPL-2.0-only
-- AlterTable
ALTER TABLE "nodes" ADD COLUMN     "entry_versions" INTEGER[] DEFAULT ARRAY[]::INTEGER[];
