-- When whoever decides has looked at a rollout last, by its clock: what nobody looked at proves no wave.
ALTER TABLE "rollouts" ADD COLUMN "looked_at_ms" BIGINT;
