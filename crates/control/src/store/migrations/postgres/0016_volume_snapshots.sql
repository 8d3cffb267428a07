-- What a method that snapshots volumes gave: a snapshot for each claim, which stays in the cluster.
CREATE TABLE backup_snapshots (
    backup_id TEXT COLLATE "C" NOT NULL REFERENCES backups (id),
    ordinal BIGINT NOT NULL,
    claim TEXT COLLATE "C" NOT NULL,
    namespace TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    bytes BIGINT NOT NULL,
    driver TEXT COLLATE "C" NOT NULL,
    handle TEXT COLLATE "C" NOT NULL,
    claim_sealed BYTEA NOT NULL,
    PRIMARY KEY (backup_id, claim)
);
