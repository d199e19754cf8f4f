-- A halted rollout is superseded by the next one of its load order: nobody can resume it any more.
UPDATE "rollouts" r SET "status" = 'superseded'
WHERE "status" = 'halted' AND EXISTS (
  SELECT FROM "rollouts" later
  WHERE later."cluster_name" = r."cluster_name" AND later."kernel_build_id" = r."kernel_build_id" AND later."number" > r."number");
