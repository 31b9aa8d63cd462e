# Written by protos/generate.py from protos/novacron/api/options/v1: edit that instead.
# ruff: noqa
from .options_pb2 import Access, CallPolicy, Fallback, PRIORITY_HIGH, PRIORITY_LOW, PRIORITY_NORMAL, PRIORITY_UNSPECIFIED, Priority, access, call

__all__ = ['Access', 'CallPolicy', 'Fallback', 'PRIORITY_HIGH', 'PRIORITY_LOW', 'PRIORITY_NORMAL', 'PRIORITY_UNSPECIFIED', 'Priority', 'access', 'call']
