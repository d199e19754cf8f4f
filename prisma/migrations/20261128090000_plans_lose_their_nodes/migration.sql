-- SPDX-License-Identifier: GPL-2.0-only
-- A plan names every node of its cluster: of old ones what they decided stays, and that list goes.
DROP TRIGGER "rollout_plans_append_only" ON "rollout_plans";

UPDATE "rollout_plans" p SET "plan" = p."plan" - 'nodes'
WHERE p."generation" <= (SELECT max(n."generation") FROM "rollout_plans" n WHERE n."rollout_id" = p."rollout_id") - 10;

CREATE FUNCTION "refuse_plan_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.rollout_id = OLD.rollout_id AND NEW.generation = OLD.generation
        AND NEW.planned_at = OLD.planned_at AND NEW.plan = OLD.plan - 'nodes' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER "rollout_plans_append_only" BEFORE UPDATE OR DELETE ON "rollout_plans"
    FOR EACH ROW EXECUTE FUNCTION "refuse_plan_change"();
