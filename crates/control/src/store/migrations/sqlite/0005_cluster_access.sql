-- How a cluster is signed in to (never the secret itself), where it may be used, and how it was when it was last looked at.
ALTER TABLE clusters ADD COLUMN access_kind TEXT;
ALTER TABLE clusters ADD COLUMN access_context TEXT;
ALTER TABLE clusters ADD COLUMN access_changed_at BIGINT;
ALTER TABLE clusters ADD COLUMN namespaces TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clusters ADD COLUMN check_sealed BLOB;
UPDATE clusters SET access_kind = 'token', access_changed_at = created_at WHERE kind = 'kubernetes';
