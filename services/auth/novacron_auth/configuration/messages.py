"""Between the protos of the configuration and what they mean here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration

from novacron.api.auth.v1 import AuthenticationConfiguration as Message
from novacron.api.auth.v1 import UpdateAuthenticationConfigurationRequest
from novacron.errors import InvalidArgument
from novacron.timestamps import to_timestamp

from .configuration import GROUPS, SETTABLE, AuthenticationConfiguration, Plain, paths_of


def configuration(held: AuthenticationConfiguration) -> Message:
    message = Message(
        auth_config_id=str(held.auth_config_id or ""),
        mfa_required_roles=held.mfa_required_roles,
        environment=held.environment,
        created_at=to_timestamp(held.created_at),
        updated_at=to_timestamp(held.updated_at),
        etag=str(held.version),
    )
    for group in GROUPS:
        for path in paths_of(group):
            name = path.partition(".")[2]
            value = getattr(getattr(held, group), name)
            if isinstance(value, timedelta):
                getattr(getattr(message, group), name).FromTimedelta(value)
            else:
                setattr(getattr(message, group), name, value)
    return message


def changes(request: UpdateAuthenticationConfigurationRequest) -> tuple[dict[str, Plain], set[str]]:
    """The settings to set, by path, and those to give their defaults again: durations that the mask names and that are absent.

    :raises InvalidArgument: the mask names what is no setting.
    """
    message = request.authentication_configuration
    masked = list(request.update_mask.paths)
    wanted = {path for one in masked for path in paths_of(one)} or _present(message)
    if unknown := sorted(one for one in masked if not set(paths_of(one)) & SETTABLE):
        raise InvalidArgument.at("update_mask", f"names what cannot be set: {', '.join(unknown)}")
    found: dict[str, Plain] = {}
    reset: set[str] = set()
    for path in wanted & SETTABLE if masked else wanted:
        group, _, name = path.rpartition(".")
        holder: Any = getattr(message, group) if group else message
        value = getattr(holder, name)
        if isinstance(value, Duration):
            if holder.HasField(name):
                found[path] = value.seconds + value.nanos / 1e9  # no timedelta: protobuf's durations go further
            else:
                reset.add(path)
        else:
            found[path] = value if group else list(value)
    return found, reset


def _present(message: Message) -> set[str]:
    """Every setting that is not at its proto's zero."""
    found = set()
    for descriptor, value in message.ListFields():
        if descriptor.name in GROUPS:
            found |= {f"{descriptor.name}.{inner.name}" for inner, _ in value.ListFields()}
        elif descriptor.name == "mfa_required_roles":
            found.add(descriptor.name)
    return found
