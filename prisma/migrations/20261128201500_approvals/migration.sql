-- SPDX-License-Identifier: GPL-2.0-only
-- AlterEnum
ALTER TYPE "rollout_order_kind" ADD VALUE 'approve';
ALTER TYPE "rollout_order_kind" ADD VALUE 'reject';

-- AlterTable
ALTER TABLE "clusters" ADD COLUMN     "approvals_needed" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "approvals_valid_ms" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "approvers" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "rollout_orders" ADD COLUMN     "hash" TEXT NOT NULL DEFAULT '';
