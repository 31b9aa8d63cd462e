-- Old decisions and recommendations are found by their age.

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX idx_scheduling_decisions_decision_time ON scheduling_decisions (decision_time, id);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX idx_scaling_recommendations_created_at ON scaling_recommendations (created_at, id);
