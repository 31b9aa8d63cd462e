-- The state changes with the work and every saga ends in one of two: an index of all states costs each saga two entries, one of
-- them dead, and finds nothing that the list's index does not. Only the few that are stuck are looked for by their state.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX saga_state_idx;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX saga_stuck_idx ON saga (created_at, saga_id) WHERE state = 'stuck';
