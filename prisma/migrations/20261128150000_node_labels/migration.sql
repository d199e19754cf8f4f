-- Labels by key: as its agent tells them, and as operators give them; the revision counts changes of the latter.
ALTER TABLE "nodes" ADD COLUMN "reported_labels" JSONB NOT NULL DEFAULT '{}',
  ADD COLUMN "assigned_labels" JSONB NOT NULL DEFAULT '{}',
  ADD COLUMN "labels_revision" INTEGER NOT NULL DEFAULT 0;
