"""The gRPC edge of the configuration: convert, call, convert back."""

from __future__ import annotations

from typing import Any

from novacron.api.auth.v1 import (
    AuthenticationConfiguration,
    AuthenticationConfigurationServiceServicer,
    GetAuthenticationConfigurationRequest,
    UpdateAuthenticationConfigurationRequest,
)

from ..caller import Caller
from . import messages
from .configurations import Configurations


class AuthenticationConfigurationServicer(AuthenticationConfigurationServiceServicer):
    """Answers for ``novacron.api.auth.v1.AuthenticationConfigurationService``."""

    def __init__(self, configurations: Configurations) -> None:
        self._configurations = configurations

    async def GetAuthenticationConfiguration(
        self, request: GetAuthenticationConfigurationRequest, context: Any
    ) -> AuthenticationConfiguration:
        return messages.configuration(await self._configurations.current())

    async def UpdateAuthenticationConfiguration(
        self, request: UpdateAuthenticationConfigurationRequest, context: Any
    ) -> AuthenticationConfiguration:
        settings, reset = messages.changes(request)
        etag = request.authentication_configuration.etag
        return messages.configuration(await self._configurations.update(Caller.of(context), settings, reset, etag))
