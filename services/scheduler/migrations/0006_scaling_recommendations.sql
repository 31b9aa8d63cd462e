-- What size a VM was advised to have, and what its owner thought of it. History: kept as it was said, whatever became of the VM.

CREATE TABLE scaling_recommendations (
    -- Chosen by whoever asked: the same again is the same recommendation.
    id uuid PRIMARY KEY,
    vm_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    current_resources jsonb NOT NULL,
    recommended_resources jsonb NOT NULL,
    prediction_confidence double precision NOT NULL CHECK (prediction_confidence BETWEEN 0 AND 1),
    prediction_horizon interval NOT NULL,
    -- A month; negative: saved.
    cost_impact numeric(10, 2) NOT NULL,
    -- By dimension: the shares of the measured steps above the size before and after, and the model.
    performance_impact jsonb NOT NULL,
    recommendation_reason text NOT NULL,
    ml_model_version text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    applied_at timestamptz,
    feedback_score bigint CHECK (feedback_score BETWEEN 1 AND 5)
);

CREATE INDEX idx_scaling_recommendations_vm_id ON scaling_recommendations (vm_id, created_at DESC);
CREATE INDEX idx_scaling_recommendations_tenant_id ON scaling_recommendations (tenant_id, created_at DESC);
