"""Another NovaCron's services as plain methods."""

from __future__ import annotations

import sys

import grpc

from novacron.api.auth.v1 import AuthServiceStub, LoginRequest
from novacron.api.vm.v1 import ListVmsRequest, VmServiceStub
from novacron.rpc import Channel
from novacron.rpc.breaker import BreakerConfiguration
from novacron.rpc.endpoint import dns_target

from .credentials import Credentials
from .provider import Provider

# What finds out whether a target is up must reach it: this breaker never opens, and nothing is repeated.
_NEVER_OPENS = BreakerConfiguration(minimum_request_threshold=sys.maxsize)


class OtherNovaCron:
    """A connection to another installation for one visit, as a user of it: no certificate of ours is shown."""

    def __init__(self, provider: Provider, credentials: Credentials) -> None:
        self._credentials = credentials
        tls = grpc.ssl_channel_credentials(credentials.ca_pem.encode() or None)
        self._auth = self._channel(credentials.auth_endpoint, tls)
        self._vm = self._channel(provider.endpoint, tls)

    async def __aenter__(self) -> OtherNovaCron:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._auth.close()
        await self._vm.close()

    async def login(self) -> str:
        """An access token there. :raises Unauthenticated: they do not know these credentials."""
        mine = self._credentials
        request = LoginRequest(username=mine.username, password=mine.password, tenant=mine.tenant)
        return (await AuthServiceStub(self._auth).Login(request)).access_token

    async def list_one_vm(self, token: str) -> None:
        """Succeeds when the user may list VMs there, whether or not there are any."""
        metadata = (("authorization", f"Bearer {token}"),)
        await VmServiceStub(self._vm).ListVms(ListVmsRequest(page_size=1), metadata=metadata)

    def _channel(self, endpoint: str, tls: grpc.ChannelCredentials) -> Channel:
        return Channel("on_premise", dns_target(endpoint), tls, breaker=_NEVER_OPENS, attempts=1)
