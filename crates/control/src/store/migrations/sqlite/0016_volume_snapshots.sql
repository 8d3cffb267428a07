-- What a method that snapshots volumes gave: a snapshot for each claim, which stays in the cluster.
CREATE TABLE backup_snapshots (
    backup_id TEXT NOT NULL REFERENCES backups (id),
    ordinal BIGINT NOT NULL,
    claim TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    driver TEXT NOT NULL,
    handle TEXT NOT NULL,
    claim_sealed BLOB NOT NULL,
    PRIMARY KEY (backup_id, claim)
);
