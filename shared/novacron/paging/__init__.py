"""Lists: opaque page tokens (AIP-158) and filters (AIP-160) over listed fields."""

from .filter import Comparison, Filter, parse_filter
from .token import PageTokens, page_size

__all__ = ["Comparison", "Filter", "PageTokens", "page_size", "parse_filter"]
