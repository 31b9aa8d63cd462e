-- breaker:read shows how a process sees the others, breaker:write opens, closes and configures its breakers: for those who run
-- NovaCron, as nodes and services are. No tenant's role has either.

UPDATE roles SET permissions = permissions || '["breaker:*"]'
 WHERE name = 'operator' AND tenant_id IS NULL AND NOT permissions @> '["breaker:*"]';
