-- SPDX-License-Identifier: GPL-2.0-only
-- Lists have pages: each in the order of an index, from the row after the last one on.
CREATE INDEX "kernel_builds_added_at_id_idx" ON "kernel_builds"("added_at", "id");
CREATE INDEX "patches_submitted_at_id_idx" ON "patches"("submitted_at", "id");
CREATE INDEX "builds_queued_at_id_idx" ON "builds"("queued_at", "id");
CREATE INDEX "builds_kernel_build_id_queued_at_id_idx" ON "builds"("kernel_build_id", "queued_at", "id");
CREATE INDEX "rollouts_cluster_name_number_idx" ON "rollouts"("cluster_name", "number");
CREATE INDEX "rollouts_status_number_idx" ON "rollouts"("status", "number");

-- How far a rollout was by its newest plan: a list of rollouts reads no plan.
ALTER TABLE "rollouts" ADD COLUMN "node_count" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "nodes_there" INTEGER NOT NULL DEFAULT 0;
UPDATE "rollouts" r SET
  "node_count" = jsonb_array_length(newest.plan -> 'nodes'),
  "nodes_there" = (SELECT count(*) FROM jsonb_array_elements(newest.plan -> 'nodes') node WHERE node -> 'notYet' = 'null')
FROM (SELECT DISTINCT ON ("rollout_id") "rollout_id", "plan" FROM "rollout_plans" ORDER BY "rollout_id", "generation" DESC) newest
WHERE newest."rollout_id" = r."id" AND newest.plan ? 'nodes';
