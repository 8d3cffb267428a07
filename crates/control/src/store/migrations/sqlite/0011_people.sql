-- Invitations that were not accepted yet. Of their links only digests are kept. An invitation ends with the rights of who made it.
CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    token_hash BLOB NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_by_id TEXT,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX invitations_token ON invitations (token_hash);
CREATE UNIQUE INDEX invitations_email ON invitations (email_key);
CREATE INDEX invitations_maker ON invitations (created_by_id);

-- Links by which people set a new password, the same way. A person has at most one.
CREATE TABLE password_resets (
    person_id TEXT PRIMARY KEY REFERENCES people (id),
    token_hash BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    created_by_id TEXT,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX password_resets_token ON password_resets (token_hash);
CREATE INDEX password_resets_maker ON password_resets (created_by_id);

-- Tries at passwords, codes and links that failed, or that are under way. A key is the digest of whose and from where.
CREATE TABLE attempts (
    id BLOB PRIMARY KEY,
    began_at BIGINT NOT NULL,
    tries BIGINT NOT NULL
);
CREATE INDEX attempts_began ON attempts (began_at);

CREATE INDEX sessions_address ON sessions (person_id, remote_address);
CREATE INDEX people_role ON people (role, name_key, id);
CREATE INDEX signin_links_person ON signin_links (person_id);

-- People and entries of the audit log are found by words, as other things are.
INSERT INTO search_terms (kind, term, subject_id) SELECT 'person', substr(name_key, 1, 64), id FROM people WHERE 1 = 1 ON CONFLICT DO NOTHING;
INSERT INTO search_terms (kind, term, subject_id) SELECT 'person', substr(email_key, 1, 64), id FROM people WHERE 1 = 1 ON CONFLICT DO NOTHING;
INSERT INTO search_terms (kind, term, subject_id) SELECT 'audit', substr(lower(subject_name), 1, 64), id FROM audit WHERE 1 = 1 ON CONFLICT DO NOTHING;
INSERT INTO search_terms (kind, term, subject_id) SELECT 'audit', substr(lower(by_name), 1, 64), id FROM audit WHERE 1 = 1 ON CONFLICT DO NOTHING;
INSERT INTO search_terms (kind, term, subject_id) SELECT 'audit', action, id FROM audit WHERE 1 = 1 ON CONFLICT DO NOTHING;
