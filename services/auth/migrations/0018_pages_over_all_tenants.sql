-- Who sees every tenant pages through all users and tenants in the order in which they were made.

CREATE INDEX idx_users_created_at ON users (created_at, id);
CREATE INDEX idx_tenants_created_at ON tenants (created_at, id);
