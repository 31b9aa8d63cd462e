"""One driver for each provider type."""

from .driver import ProviderDriver
from .on_premise import OnPremise

__all__ = ["OnPremise", "ProviderDriver"]
