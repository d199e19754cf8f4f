-- What happened that somebody may want to be told, and whom to tell it.
CREATE TABLE "events" (
  "seq" SERIAL PRIMARY KEY,
  "id" UUID NOT NULL,
  "key" TEXT NOT NULL,
  "type" TEXT NOT NULL,
  "cluster" TEXT,
  "subject" TEXT NOT NULL,
  "message" TEXT NOT NULL,
  "data" JSONB NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX "events_id_key" ON "events" ("id");
CREATE UNIQUE INDEX "events_key_key" ON "events" ("key");
CREATE INDEX "events_subject_seq_idx" ON "events" ("subject", "seq");
CREATE INDEX "events_at_idx" ON "events" ("at");

CREATE TABLE "webhooks" (
  "name" TEXT PRIMARY KEY,
  "url" TEXT NOT NULL,
  "types" TEXT[],
  "cluster" TEXT,
  "secret" TEXT NOT NULL,
  "previous_secret" TEXT,
  "previous_until" TIMESTAMPTZ(3),
  "after_seq" INTEGER NOT NULL,
  "disabled" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "tried_at" TIMESTAMPTZ(3),
  "taken_at" TIMESTAMPTZ(3),
  "outcome" TEXT
);
