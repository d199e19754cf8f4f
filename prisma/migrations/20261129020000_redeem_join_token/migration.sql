-- A machine becomes a node in one round trip: as a transaction of twelve statements it took a third of what an enrolment costs
-- the control plane. Each statement of the function sees what was committed before it, as in a transaction of READ COMMITTED.
CREATE FUNCTION "redeem_join_token"(
  "token_sha256" text, "key_sha256" text, "made_pem" text, "at" timestamptz,
  "who" text, "with_token" text, "came_from" text, "called" text, "done_on" text, "told" text, "why" text, "ended" text
) RETURNS TABLE ("outcome" text, "pem" text, "other_cluster" text, "revoked_node" text, "revoked_at" timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  "token" "join_tokens";
  "revoked" "revoked_keys";
  "present_in" text;
BEGIN
  SELECT * INTO "token" FROM "join_tokens" WHERE "secret_sha256" = "token_sha256";
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'refused', NULL::text, NULL::text, NULL::text, NULL::timestamptz;
    RETURN;
  END IF;
  -- What is done to one node by tokens is done one after the other.
  PERFORM pg_advisory_xact_lock(hashtextextended('join:' || "token"."node_name", 0));
  -- Who revokes or removes it waits, or has done so by now.
  PERFORM 1 FROM "nodes" WHERE "name" = "token"."node_name" FOR UPDATE;
  -- Who takes the token back waits, or has done so by now.
  SELECT * INTO "token" FROM "join_tokens" WHERE "secret_sha256" = "token_sha256" FOR UPDATE;
  IF NOT FOUND OR "token"."expires_at" <= "at" THEN
    RETURN QUERY SELECT 'refused', NULL::text, NULL::text, NULL::text, NULL::timestamptz;
    RETURN;
  END IF;
  SELECT * INTO "revoked" FROM "revoked_keys" WHERE "certificate_fingerprint" = "key_sha256";
  IF FOUND THEN
    RETURN QUERY SELECT 'key-revoked', NULL::text, NULL::text, "revoked"."node_name", "revoked"."revoked_at";
    RETURN;
  END IF;
  IF "token"."used_at" IS NOT NULL THEN
    -- The same key asking again gets the same certificate: the answer may have been lost.
    IF "token"."public_key_sha256" = "key_sha256" AND "token"."certificate_pem" IS NOT NULL THEN
      RETURN QUERY SELECT 'enrolled', "token"."certificate_pem", NULL::text, NULL::text, NULL::timestamptz;
    ELSE
      RETURN QUERY SELECT 'refused', NULL::text, NULL::text, NULL::text, NULL::timestamptz;
    END IF;
    RETURN;
  END IF;
  SELECT "cluster_name" INTO "present_in" FROM "nodes" WHERE "name" = "token"."node_name";
  IF "present_in" <> "token"."cluster_name" THEN
    RETURN QUERY SELECT 'node-in-other-cluster', NULL::text, "present_in", NULL::text, NULL::timestamptz;
    RETURN;
  END IF;
  -- The certificate that came of it is superseded now, and nobody is to be handed it again.
  DELETE FROM "join_tokens"
  WHERE "node_name" = "token"."node_name" AND "used_at" IS NOT NULL AND "secret_sha256" <> "token_sha256";
  UPDATE "join_tokens" SET "used_at" = "at", "public_key_sha256" = "key_sha256", "certificate_pem" = "made_pem"
  WHERE "secret_sha256" = "token_sha256";
  INSERT INTO "nodes" ("name", "cluster_name", "certificate_fingerprint", "enrolled_at")
  VALUES ("token"."node_name", "token"."cluster_name", "key_sha256", "at")
  -- Another machine, or another life of it: what the one before reported is not its own, nor may it still report.
  ON CONFLICT ("name") DO UPDATE SET "certificate_fingerprint" = "key_sha256", "enrolled_at" = "at", "report" = NULL,
    "boot_id" = NULL, "revoked_at" = NULL, "reported_labels" = '{}', "session_epoch" = "nodes"."session_epoch" + 1;
  INSERT INTO "audit_events" ("who", "token", "from", "call", "on", "details", "because", "result")
  VALUES ("who", "with_token", "came_from", "called", "done_on", "told", "why", "ended");
  RETURN QUERY SELECT 'enrolled', "made_pem", NULL::text, NULL::text, NULL::timestamptz;
END $$;
