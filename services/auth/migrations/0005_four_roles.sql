-- The seed's four roles, from most to least. The RPCs' `access` options name the permissions; beside those
-- template:publish shares a template with all tenants, tenant:any looks past the tenant, service:debug opens channelz.

INSERT INTO roles (name, description, permissions) VALUES
    ('admin', 'Everything, in every tenant.', '["*:*"]'),
    (
        'operator', 'Nodes, providers, sagas and every VM of the tenant.',
        '["metrics:*", "node:*", "provider:*", "reservation:*", "saga:*", "service:*", "template:*", "vm:*"]'
    ),
    (
        'user', 'VMs and templates of the tenant.',
        '["metrics:read", "template:create", "template:delete", "template:read", "vm:*"]'
    ),
    (
        'viewer', 'Reads what the tenant has.',
        '["metrics:read", "node:read", "provider:read", "reservation:read", "service:read", "template:read", "vm:read"]'
    );
