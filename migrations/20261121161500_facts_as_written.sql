-- Every dispatch writes its facts once and few are ever read: Postgres need not parse each of them to
-- know that it is JSON. Who asks by hand writes `facts::json`.
ALTER TABLE decision ALTER COLUMN facts TYPE text;
