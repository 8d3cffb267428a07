-- Whether one thing is found by a word: lists that much is found in are walked along, and each row is asked.
CREATE INDEX search_terms_subject ON search_terms (subject_id, term);
