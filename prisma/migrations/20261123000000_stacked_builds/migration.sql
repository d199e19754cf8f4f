-- SPDX-License-Identifier: GPL-2.0-only
-- AlterEnum
ALTER TYPE "work_status" ADD VALUE 'cancelled';

-- CreateEnum
CREATE TYPE "priority" AS ENUM ('high', 'normal', 'low');

-- DropIndex
DROP INDEX "builds_patch_id_kernel_build_id_key";

-- AlterTable
ALTER TABLE "patches" ADD COLUMN     "combines" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "builds" ADD COLUMN     "explanation" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "log" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "onto" TEXT[] DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "onto_key" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "priority" "priority" NOT NULL DEFAULT 'normal';

-- CreateIndex
CREATE UNIQUE INDEX "builds_patch_id_kernel_build_id_onto_key_key" ON "builds"("patch_id", "kernel_build_id", "onto_key");
