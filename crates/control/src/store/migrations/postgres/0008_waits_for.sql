-- Whose pending revision of the Helm release an Op waits for, until when, and who has said that nobody works on it.
ALTER TABLE ops ADD COLUMN waits_for TEXT COLLATE "C";
