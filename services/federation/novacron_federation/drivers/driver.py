"""What federation asks of every kind of cloud."""

from __future__ import annotations

from typing import Protocol

from ..credentials import Credentials
from ..provider import Finding, NewProvider, Provider


class ProviderDriver(Protocol):
    """One kind of cloud."""

    def validate(self, new: NewProvider, credentials: Credentials | None) -> Credentials:
        """The credentials, if with them this could be a provider of this kind; nothing is asked of anybody.

        :raises InvalidArgument: at the request's field, without a word of what the credentials hold.
        """
        ...

    async def check(self, provider: Provider, credentials: Credentials) -> Finding:
        """Whether the provider answers with these credentials. A fault of the provider is the finding, not an error.

        :raises DeadlineExceeded: the caller's time ran out before the provider's: nothing was found.
        """
        ...
