"""The configuration: defaults that make sense, bounds, contradictions, and that what is set holds everywhere."""

import asyncio

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from novacron.api.auth.v1 import (
    AccountLockoutPolicy,
    AuthenticationConfiguration,
    AuthenticationConfigurationServiceStub,
    GetAuthenticationConfigurationRequest,
    JwtConfiguration,
    PasswordPolicy,
    SessionManagementConfig,
    UpdateAuthenticationConfigurationRequest,
)
from novacron.cache import InvalidationBus, TieredCache
from novacron.errors import Conflict, InvalidArgument, PermissionDenied, Unauthenticated
from novacron.rpc.authentication import AuthClient
from novacron.testing.patience import eventually
from novacron_auth.configuration.configuration import BOUNDS, SETTABLE, with_settings
from novacron_auth.configuration.configuration import AuthenticationConfiguration as Held
from novacron_auth.users.account import Role

from .conftest import Auth


@pytest.fixture
async def admin(auth):
    await auth.user("root", Role.ADMIN)
    return auth.as_user((await auth.login("root")).access_token, AuthenticationConfigurationServiceStub)


def get(stub):
    return stub.GetAuthenticationConfiguration(GetAuthenticationConfigurationRequest())


def update(stub, *paths, **fields):
    request = UpdateAuthenticationConfigurationRequest(
        authentication_configuration=AuthenticationConfiguration(**fields), update_mask=FieldMask(paths=paths)
    )
    return stub.UpdateAuthenticationConfiguration(request)


async def test_the_defaults_are_those_that_the_readme_promises(admin):
    held = await get(admin)
    assert held.jwt_config.access_token_ttl.seconds == 300
    assert (held.jwt_config.issuer, held.jwt_config.algorithm) == ("novacron", "EdDSA")
    policy = held.password_policy
    assert (policy.min_length, policy.advised_length, policy.max_length, policy.refuse_common) == (8, 15, 1024, True)
    assert held.account_lockout_policy.max_failed_attempts == 5
    assert held.account_lockout_policy.lockout_duration.seconds == 900
    assert held.audit_config.retention.seconds == 365 * 86_400
    assert (held.environment, held.etag) == ("testing", "0")


async def test_what_is_set_holds_for_the_next_login_and_the_rest_stays(auth, admin):
    set_ = await update(
        admin,
        jwt_config=JwtConfiguration(access_token_ttl=Duration(seconds=60)),
        account_lockout_policy=AccountLockoutPolicy(max_failed_attempts=2),
        mfa_required_roles=["admin"],
    )
    assert (set_.jwt_config.access_token_ttl.seconds, set_.account_lockout_policy.lockout_duration.seconds) == (60, 900)
    assert list(set_.mfa_required_roles) == ["admin"]
    account = await auth.user()
    login = await auth.login()
    assert login.expires_at.seconds - login.user.last_login.seconds <= 61
    await auth.execute("DELETE FROM user_sessions WHERE user_id = %s", account.user_id)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await auth.login(password="wrong")
    with pytest.raises(Unauthenticated):
        await auth.login()
    ((metadata,),) = await auth.execute("SELECT metadata FROM auth_audit_log WHERE action = 'configuration.update'")
    assert metadata["jwt_config.access_token_ttl"] == "60.0"


async def test_a_mask_sets_zero_and_gives_a_missing_duration_its_default_again(admin):
    await update(admin, session_management=SessionManagementConfig(idle_timeout=Duration(seconds=600)))
    held = await update(
        admin, "session_management.idle_timeout", "session_management.max_sessions_per_user", "mfa_required_roles"
    )
    assert held.session_management.idle_timeout.seconds == 3600
    assert held.session_management.max_sessions_per_user == 0
    assert list(held.mfa_required_roles) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"password_policy": PasswordPolicy(min_length=7)}, "password_policy.min_length"),
        ({"password_policy": PasswordPolicy(min_length=20)}, "password_policy.advised_length"),
        ({"password_policy": PasswordPolicy(max_length=2000)}, "password_policy.max_length"),
        (
            {"account_lockout_policy": AccountLockoutPolicy(max_failed_attempts=1)},
            "account_lockout_policy.max_failed_attempts",
        ),
        ({"jwt_config": JwtConfiguration(access_token_ttl=Duration(seconds=29))}, "jwt_config.access_token_ttl"),
        ({"jwt_config": JwtConfiguration(algorithm="none")}, "jwt_config.algorithm"),
        (
            {"session_management": SessionManagementConfig(idle_timeout=Duration(seconds=7200))},
            "session_management.idle_timeout",
        ),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_field_and_nothing_is_set(auth, admin, fields, field):
    with pytest.raises(InvalidArgument) as caught:
        await update(admin, **fields)
    assert [one.field for one in caught.value.violations] == [field]
    assert (await get(admin)).etag == "0"


async def test_a_mask_that_names_what_cannot_be_set_is_refused(admin):
    for path in ("environment", "token_validation.clock_skew", "jwt_config.issuer", "nonsense"):
        with pytest.raises(InvalidArgument) as caught:
            await update(admin, path)
        assert [one.field for one in caught.value.violations] == ["update_mask"]


async def test_the_second_of_two_changes_of_one_version_is_told(admin):
    await update(admin, password_policy=PasswordPolicy(history=1))
    held = await get(admin)
    await update(admin, password_policy=PasswordPolicy(history=2), etag=held.etag)
    with pytest.raises(Conflict, match="read it again"):
        await update(admin, password_policy=PasswordPolicy(history=3), etag=held.etag)
    assert (await get(admin)).password_policy.history == 2


async def test_a_change_by_another_replica_is_known_within_seconds(auth, admin):
    await get(admin)
    await auth.execute(
        "INSERT INTO authentication_configuration (auth_config_id, environment, configuration)"
        """ VALUES (gen_random_uuid(), 'testing', '{"password_policy.history": 5, "of.a.newer.release": 1}')"""
    )

    async def known():
        return (await get(admin)).password_policy.history == 5

    await eventually(known, within=5.0)


async def test_a_role_that_begins_to_require_a_second_factor_is_heard_of_everywhere_within_a_second(
    make_auth, servers, redis
):
    auth = await make_auth(redis)
    await auth.user("root", Role.ADMIN)
    replica = Auth(auth.database, redis, auth.key)
    await replica.serve(servers)
    await replica.bus.start()
    cache = TieredCache("permissions", ttl_seconds=60, redis=redis)
    bus = InvalidationBus(redis, (cache,))
    await bus.start()
    await auth.user("alice")
    # Another service, which asks the replica that was not told.
    service = AuthClient(servers.as_service(replica.server, "vm"), cache)
    subject = await service.subject((await auth.login()).access_token)
    await asyncio.gather(replica.bus.connected.wait(), bus.connected.wait())
    for _ in range(2):
        assert await service.permissions(subject)
    root = auth.as_user((await auth.login("root")).access_token, AuthenticationConfigurationServiceStub)
    await update(root, mfa_required_roles=["user"])

    async def without_permissions():
        return not await service.permissions(subject)

    await eventually(without_permissions, within=1.0)
    await bus.stop()
    await replica.bus.stop()
    replica.passwords.close()


async def test_only_who_may_changes_it(auth):
    for role in (Role.OPERATOR, Role.USER, Role.VIEWER):
        await auth.user(role.value, role)
        stub = auth.as_user((await auth.login(role.value)).access_token, AuthenticationConfigurationServiceStub)
        for call in (get(stub), update(stub, password_policy=PasswordPolicy(history=1))):
            with pytest.raises(PermissionDenied):
                await call


def test_every_bound_is_of_a_setting_that_exists_and_holds_its_default():
    default = Held()
    for path, (least, most) in BOUNDS.items():
        group, _, name = path.partition(".")
        value = getattr(getattr(default, group), name)
        number = value.total_seconds() if hasattr(value, "total_seconds") else value
        assert least <= number <= most, path
    assert BOUNDS.keys() < SETTABLE
    assert with_settings(default, {}) == default
