-- Lines of context of each hunk that may differ, by the author's word.
ALTER TABLE "patches" ADD COLUMN "fuzz" INTEGER NOT NULL DEFAULT 0;
