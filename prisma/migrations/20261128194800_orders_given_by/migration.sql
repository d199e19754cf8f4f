-- SPDX-License-Identifier: GPL-2.0-only
-- AlterTable
ALTER TABLE "rollout_orders" ADD COLUMN "given_by" TEXT NOT NULL DEFAULT '';
