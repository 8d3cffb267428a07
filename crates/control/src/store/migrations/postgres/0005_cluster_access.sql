-- How a cluster is signed in to (never the secret itself), where it may be used, and how it was when it was last looked at.
ALTER TABLE clusters ADD COLUMN access_kind TEXT COLLATE "C";
ALTER TABLE clusters ADD COLUMN access_context TEXT COLLATE "C";
ALTER TABLE clusters ADD COLUMN access_changed_at BIGINT;
ALTER TABLE clusters ADD COLUMN namespaces TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE clusters ADD COLUMN check_sealed BYTEA;
UPDATE clusters SET access_kind = 'token', access_changed_at = created_at WHERE kind = 'kubernetes';
