"""Which passwords are taken. No I/O but the list that comes with the package, read once.

After NIST SP 800-63B-4: length, and a list of what everybody uses. No rule says which characters: such rules make passwords
that people forget and programs guess.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib import resources

from novacron.errors import InvalidArgument

from ..configuration.configuration import PasswordPolicy
from .account import folded

# What people put around a word to please a rule: `password` followed by `1!` is still `password`.
_SIGNS, _DIGITS = "!?.*#$_- ", "0123456789"


@cache
def common_passwords() -> frozenset[str]:
    """The passwords that are most often found in leaks, folded."""
    text = resources.files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(folded(line) for line in text.splitlines() if line and not line.startswith("# "))


def problem(password: str, policy: PasswordPolicy, *names: str) -> str | None:
    """What is wrong with a password for the user of these names (name, address); None: nothing.

    Characters are counted as a person does, after composition: an umlaut typed as two code points is one.
    """
    spelled = unicodedata.normalize("NFC", password)
    if len(spelled) < policy.min_length:
        return f"has {len(spelled)} characters; at least {policy.min_length} are needed, {policy.advised_length} are advised"
    if len(spelled) > policy.max_length:
        return f"has {len(spelled)} characters; at most {policy.max_length} are taken"
    if "\0" in spelled:
        return "holds the character NUL: leave it out"
    plain = folded(spelled)
    if plain in {folded(name) for name in names} | {folded(name.partition("@")[0]) for name in names}:
        return "is the user's own name: choose something that nobody knows"
    if len(set(plain)) < 3:
        return "is the same few characters over and over: choose something longer, such as four words"
    if policy.refuse_common and _is_common(plain):
        return "is one of the passwords that everybody tries first: choose something longer, such as four words"
    return None


def require(field: str, password: str, policy: PasswordPolicy, *names: str) -> None:
    """:raises InvalidArgument: at ``field``, saying what is wrong with the password."""
    if found := problem(password, policy, *names):
        raise InvalidArgument.at(field, found)


def _is_common(plain: str) -> bool:
    return not common_passwords().isdisjoint((plain, plain.strip(_SIGNS), plain.strip(_SIGNS + _DIGITS)))
