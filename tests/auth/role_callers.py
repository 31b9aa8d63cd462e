"""Those who administer roles, for tests."""

from novacron.api.auth.v1 import GrantRoleRequest, RoleServiceStub
from novacron_auth.users.account import Role


async def admin(auth, name="root", stub=RoleServiceStub):
    """A stub of a platform admin, who is made if need be."""
    if not await auth.execute("SELECT 1 FROM users WHERE username = %s", name):
        await auth.user(name, Role.ADMIN)
    return auth.as_user((await auth.login(name)).access_token, stub)


async def tenant_admin(auth, name="alice", tenant="default", stub=RoleServiceStub):
    """A stub of a user who runs a tenant, granted that by the platform."""
    if not await auth.execute("SELECT 1 FROM users WHERE username = %s", name):
        await auth.user(name, Role.VIEWER, tenant=tenant)
        await auth.execute(
            "INSERT INTO user_roles (user_id, role_id)"
            " SELECT u.id, r.id FROM users u, roles r WHERE u.username = %s AND r.name = 'tenant-admin'",
            name,
        )
    return auth.as_user((await auth.login(name, tenant=tenant)).access_token, stub)


async def role_id(auth, name):
    ((found,),) = await auth.execute("SELECT id FROM roles WHERE name = %s", name)
    return str(found)


async def user_id(auth, username):
    ((found,),) = await auth.execute("SELECT id FROM users WHERE username = %s", username)
    return str(found)


async def grant(roles, auth, username, role, **more):
    """Grant a role, by its id, to a user, by name."""
    return await roles.GrantRole(GrantRoleRequest(user_id=await user_id(auth, username), role_id=role, **more))
