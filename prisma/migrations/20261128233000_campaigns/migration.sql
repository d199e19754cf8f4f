-- SPDX-License-Identifier: GPL-2.0-only
-- CreateEnum
CREATE TYPE "campaign_order_kind" AS ENUM ('pause', 'resume', 'abort', 'approve');

-- CreateTable
CREATE TABLE "campaigns" (
    "id" UUID NOT NULL,
    "number" SERIAL NOT NULL,
    "patch_id" TEXT NOT NULL,
    "rules" JSONB NOT NULL,
    "policy" JSONB NOT NULL,
    "author" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'preparing',
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "campaigns_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "campaign_members" (
    "campaign_id" UUID NOT NULL,
    "place" INTEGER NOT NULL,
    "cluster_name" TEXT NOT NULL,
    "kernel_build_id" TEXT NOT NULL,
    "problem_reason" TEXT NOT NULL DEFAULT '',
    "problem_message" TEXT NOT NULL DEFAULT '',

    CONSTRAINT "campaign_members_pkey" PRIMARY KEY ("campaign_id","place")
);

-- CreateTable
CREATE TABLE "campaign_orders" (
    "number" SERIAL NOT NULL,
    "campaign_id" UUID NOT NULL,
    "kind" "campaign_order_kind" NOT NULL,
    "reason" TEXT NOT NULL,
    "hash" TEXT NOT NULL DEFAULT '',
    "despite" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "given_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "given_by" TEXT NOT NULL,

    CONSTRAINT "campaign_orders_pkey" PRIMARY KEY ("number")
);

-- AlterTable
ALTER TABLE "rollouts" ADD COLUMN     "campaign_id" UUID;

-- CreateIndex
CREATE UNIQUE INDEX "campaigns_number_key" ON "campaigns"("number");

-- CreateIndex
CREATE INDEX "campaigns_ended_at_idx" ON "campaigns"("ended_at");

-- CreateIndex
CREATE INDEX "campaign_orders_campaign_id_number_idx" ON "campaign_orders"("campaign_id", "number");

-- CreateIndex
CREATE INDEX "rollouts_campaign_id_idx" ON "rollouts"("campaign_id");

-- AddForeignKey
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_patch_id_fkey" FOREIGN KEY ("patch_id") REFERENCES "patches"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "campaign_members" ADD CONSTRAINT "campaign_members_campaign_id_fkey" FOREIGN KEY ("campaign_id") REFERENCES "campaigns"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "campaign_members" ADD CONSTRAINT "campaign_members_cluster_name_fkey" FOREIGN KEY ("cluster_name") REFERENCES "clusters"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "campaign_members" ADD CONSTRAINT "campaign_members_kernel_build_id_fkey" FOREIGN KEY ("kernel_build_id") REFERENCES "kernel_builds"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "campaign_orders" ADD CONSTRAINT "campaign_orders_campaign_id_fkey" FOREIGN KEY ("campaign_id") REFERENCES "campaigns"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "rollouts" ADD CONSTRAINT "rollouts_campaign_id_fkey" FOREIGN KEY ("campaign_id") REFERENCES "campaigns"("id") ON DELETE SET NULL ON UPDATE CASCADE;
