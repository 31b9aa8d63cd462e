"""Which SAML responses are taken for what they say: one kind. Every other is refused, whatever it is that is wrong with it."""

import base64
import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("signxml", reason="pip install 'novacron[saml]' judges SAML responses")

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod

from novacron.ids import new_id
from novacron_auth.identity_providers.provider import IdentityProvider, ProviderType, Refused
from novacron_auth.identity_providers.saml_response import Asked, verified
from novacron_auth.users.account import Role

from .saml_provider import (
    ACS,
    AUDIENCE,
    DS,
    ISSUER,
    SSO,
    A,
    P,
    Said,
    Signer,
    add,
    assertion,
    element,
    encoded,
    response,
)

REQUEST = "_0123456789abcdef"


@pytest.fixture(scope="module")
def signer():
    return Signer()


@pytest.fixture(scope="module")
def provider(signer):
    return IdentityProvider(
        new_id(), new_id(), "corp", ISSUER, AUDIENCE, None, (), True, Role.USER, datetime.now(UTC),
        ProviderType.SAML, SSO, (Signer().certificate, signer.certificate),
    )  # fmt: skip


@pytest.fixture
def judge(provider):
    """Judges a response at this moment, or another one."""

    def judge(root, at=None):
        return verified(encoded(root), provider, Asked(REQUEST, ACS, at or datetime.now(UTC)))

    return judge


@pytest.fixture
def refused(judge):
    def refused(root, cause, at=None):
        with pytest.raises(Refused, match=cause) as caught:
            judge(root, at)
        # What a stranger wrote is in no cause.
        assert "mallory" not in caught.value.cause

    return refused


def said(**more):
    return Said(**{"request_id": REQUEST, **more})


def test_a_response_that_its_provider_signed_for_this_login_is_taken(judge, signer):
    found = judge(response(said(), signer.sign(assertion(said()))))
    assert (found.subject, found.username, found.email, found.second_factor) == (
        "8f3e2a",
        "jane",
        "jane@example.org",
        False,
    )


def test_the_response_may_be_signed_too_and_the_second_factor_is_told(judge, signer):
    made = assertion(said(context="https://refeds.org/profile/mfa", names={"email": "j@example.org"}))
    found = judge(signer.sign(response(said(), signer.sign(made))))
    assert (found.username, found.second_factor) == ("j@example.org", True)


def test_longer_hashes_and_elliptic_curves_will_do_and_sha1_will_not(judge, refused, signer, provider):
    judge(response(said(), signer.sign(assertion(said()), SignatureMethod.RSA_SHA512, DigestAlgorithm.SHA512)))
    curve = Signer(generate_private_key(SECP256R1()))
    made = response(said(), curve.sign(assertion(said()), SignatureMethod.ECDSA_SHA256))
    asked = Asked(REQUEST, ACS, datetime.now(UTC))
    assert verified(encoded(made), replace(provider, certificates=(curve.certificate,)), asked).username == "jane"
    refused(response(said(), sha1(signer, assertion(said()))), "not signed by the provider")


def sha1(signer, made):
    """Signed as nobody should any more, which the library does not do for us either."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1

    signed = signer.sign(made)
    info = signed.find(f".//{{{DS}}}SignedInfo")
    info.find(f"{{{DS}}}SignatureMethod").set("Algorithm", f"{DS}rsa-sha1")
    data = etree.tostring(info, method="c14n", exclusive=True)
    signed.find(f".//{{{DS}}}SignatureValue").text = base64.b64encode(
        signer.key.sign(data, PKCS1v15(), SHA1())
    ).decode()
    return signed


WRONG = {
    "another audience": ({"audience": "https://other.example.org"}, "another audience"),
    "another issuer": ({"issuer": "https://mallory.example.org"}, "another issuer"),
    "another place": ({"acs_url": "https://mallory.example.org/acs"}, "another place"),
    "another request": ({"request_id": "_another"}, "another request"),
    "expired": ({"now": datetime(2020, 1, 1, tzinfo=UTC)}, "nothing confirms"),
    "a name for one session": ({"format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}, "not persistent"),
    "an address as a name": ({"format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"}, "not persistent"),
    "nobody": ({"subject": ""}, "cannot be kept"),
    "a long name": ({"subject": "x" * 256}, "cannot be kept"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_signed_assertion_about_something_else_is_refused(refused, signer, name):
    lie, cause = WRONG[name]
    refused(response(said(**lie), signer.sign(assertion(said(**lie)))), cause)


def changed(change):
    """An assertion that is signed after ``change``."""
    made = assertion(said())
    change(made)
    return made


def drop(path):
    def change(made):
        found = made.find(path)
        found.getparent().remove(found)

    return change


def set_(path, name, value):
    return lambda made: made.find(path).set(name, value)


def unset(path, name):
    return lambda made: made.find(path).attrib.pop(name)


def more(path, name):
    return lambda made: add(made.find(path), A, name, "x")


CONFIRMED, LIMITS = f".//{{{A}}}SubjectConfirmationData", f"{{{A}}}Conditions"
CHANGES = {
    "nothing says for whom": (drop(f".//{{{A}}}AudienceRestriction"), "another audience"),
    "no conditions": (drop(LIMITS), "not one Conditions"),
    "no end": (unset(LIMITS, "NotOnOrAfter"), "expired"),
    "a time of no zone": (set_(LIMITS, "NotOnOrAfter", "2099-01-01T00:00:00"), "no zone"),
    "no time": (set_(LIMITS, "NotOnOrAfter", "mallory"), "no time"),
    "the future": (set_(LIMITS, "NotBefore", "2099-01-01T00:00:00Z"), "of the future"),
    "an unknown condition": (more(LIMITS, "Condition"), "not known"),
    "two conditions": (lambda made: add(made, A, "Conditions"), "not one Conditions"),
    "no confirmation": (drop(f".//{{{A}}}SubjectConfirmation"), "nothing confirms"),
    "another method": (
        set_(f".//{{{A}}}SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"),
        "nothing confirms",
    ),
    "confirmed without an end": (unset(CONFIRMED, "NotOnOrAfter"), "nothing confirms"),
    "confirmed for another place": (set_(CONFIRMED, "Recipient", "https://x.example"), "nothing confirms"),
    "confirmed for another request": (set_(CONFIRMED, "InResponseTo", "_other"), "nothing confirms"),
    "confirmed for nobody's request": (unset(CONFIRMED, "InResponseTo"), "nothing confirms"),
    "no name": (drop(f".//{{{A}}}NameID"), "not one NameID"),
    "two names": (more(f"{{{A}}}Subject", "NameID"), "not one NameID"),
    "elements in the name": (more(f".//{{{A}}}NameID", "Part"), "elements where text"),
    "a name for others": (set_(f".//{{{A}}}NameID", "SPNameQualifier", "https://x.example"), "for others"),
    "no sign-in": (drop(f"{{{A}}}AuthnStatement"), "does not say that anybody"),
    "a session that has ended": (
        set_(f"{{{A}}}AuthnStatement", "SessionNotOnOrAfter", "2020-01-01T00:00:00Z"),
        "session has ended",
    ),
    "another version": (lambda made: made.set("Version", "1.1"), "another version"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_signed_assertion_that_lacks_or_adds_something_is_refused(refused, signer, name):
    change, cause = CHANGES[name]
    refused(response(said(), signer.sign(changed(change))), cause)


def test_it_holds_until_it_ends_with_half_a_minute_for_clocks_that_differ(judge, refused, signer):
    made, now = response(said(), signer.sign(assertion(said()))), datetime.now(UTC)
    judge(made, now + timedelta(minutes=5, seconds=20))
    refused(made, "nothing confirms", now + timedelta(minutes=5, seconds=40))
    refused(made, "of the future", now - timedelta(minutes=2))


def test_what_is_not_signed_by_a_known_key_is_refused(refused, signer):
    refused(response(said(), assertion(said())), "not signed, once")
    refused(response(said(), Signer().sign(assertion(said()))), "not signed by the provider")
    # Only the response is signed: what is read is the assertion.
    refused(signer.sign(response(said(), assertion(said()))), "not signed, once")
    tampered = signer.sign(assertion(said()))
    tampered.find(f".//{{{A}}}NameID").text = "mallory"
    refused(response(said(), tampered), "not signed by the provider")
    flipped = signer.sign(assertion(said()))
    value = flipped.find(f".//{{{DS}}}SignatureValue")
    value.text = ("B" if value.text[0] == "A" else "A") + value.text[1:]
    refused(response(said(), flipped), "not signed by the provider")


def test_a_public_certificate_is_nobodys_secret(refused, signer):
    made = signer.sign(assertion(said()))
    made.find(f".//{{{DS}}}SignatureMethod").set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    refused(response(said(), made), "not signed by the provider")


def test_a_key_that_the_document_brings_along_is_not_asked(refused):
    mallory = Signer()
    assert mallory.sign(assertion(said())).find(f".//{{{DS}}}X509Certificate") is not None
    refused(response(said(), mallory.sign(assertion(said()))), "not signed by the provider")


def wrapped(signer):
    """A true assertion, its signature, and an evil twin without one."""
    true = signer.sign(assertion(said()))
    evil = copy.deepcopy(true)
    evil.remove(evil.find(f"{{{DS}}}Signature"))
    evil.find(f".//{{{A}}}NameID").text = "mallory"
    return true, true.find(f"{{{DS}}}Signature"), evil


def xsw1(signer):
    """The whole true response in the signature of an evil one."""
    whole = signer.sign(response(said(), signer.sign(assertion(said()))))
    evil = copy.deepcopy(whole)
    evil.find(f".//{{{A}}}NameID").text = "mallory"
    evil.set("ID", "_evil")
    add(evil.find(f"{{{DS}}}Signature"), DS, "Object").append(whole)
    return evil


def xsw2(signer):
    """The same with a detached signature, before the true response."""
    whole = signer.sign(response(said(), signer.sign(assertion(said()))))
    evil = copy.deepcopy(whole)
    evil.find(f".//{{{A}}}NameID").text = "mallory"
    evil.set("ID", "_evil")
    evil.insert(0, whole)
    return evil


def xsw3(signer):
    """The evil assertion before the true one."""
    true, _, evil = wrapped(signer)
    evil.set("ID", "_evil")
    return response(said(), evil, true)


def xsw4(signer):
    """The true assertion inside the evil one."""
    true, _, evil = wrapped(signer)
    evil.set("ID", "_evil")
    evil.append(true)
    return response(said(), evil)


def xsw5(signer):
    """The true signature in the evil assertion, the true assertion without one behind it."""
    true, signature, evil = wrapped(signer)
    true.remove(signature)
    evil.set("ID", "_evil")
    evil.insert(1, signature)
    return response(said(), evil, true)


def xsw6(signer):
    """The true assertion inside its signature, inside the evil one."""
    true, signature, evil = wrapped(signer)
    true.remove(signature)
    evil.set("ID", "_evil")
    evil.insert(1, signature)
    signature.append(true)
    return response(said(), evil)


def xsw7(signer):
    """The evil assertion in an extension."""
    true, _, evil = wrapped(signer)
    made = response(said(), true)
    holder = element(P, "Extensions")
    holder.append(evil)
    made.insert(1, holder)
    return made


def xsw8(signer):
    """The true assertion in an object of the signature of the evil one."""
    true, signature, evil = wrapped(signer)
    true.remove(signature)
    evil.set("ID", "_evil")
    evil.insert(1, signature)
    add(signature, DS, "Object").append(true)
    return response(said(), evil)


def one_id(signer):
    """Two elements with the id that was signed."""
    true, signature, evil = wrapped(signer)
    true.remove(signature)
    evil.insert(1, signature)
    made = response(said(), evil)
    made.append(element(P, "Extensions", ID=true.get("ID")))
    return made


def another_name(signer):
    """The evil assertion alone, with the true one under another name."""
    true, signature, evil = wrapped(signer)
    true.remove(signature)
    evil.insert(1, signature)
    evil.set("ID", "_evil")
    true.tag = f"{{{P}}}Extensions"
    made = response(said(), evil)
    made.append(true)
    return made


@pytest.mark.parametrize("wrap", [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8, one_id, another_name])
def test_a_wrapped_signature_signs_in_nobody(refused, signer, wrap):
    refused(wrap(signer), "not one|two elements|something else")


def test_a_comment_does_not_split_a_name(judge, refused, signer):
    made = etree.tostring(response(said(), signer.sign(assertion(said(subject="root.mallory")))))
    assert judge(made).subject == "root.mallory"
    refused(made.replace(b"root.mallory", b"root<!---->.mallory"), "comments")
    refused(made.replace(b"root.mallory", b"root<?x y?>.mallory"), "comments")


def test_nothing_is_read_from_elsewhere_and_nothing_is_blown_up(refused, signer, tmp_path):
    made = etree.tostring(response(said(), signer.sign(assertion(said()))))
    secret = tmp_path / "secret"
    secret.write_text("mallory")
    for kind in (
        f'<!DOCTYPE r [<!ENTITY x SYSTEM "{secret.as_uri()}">]>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x">',
    ):
        refused(kind.encode() + made.replace(b"8f3e2a", b"&x;"), "document type")
    laughs = '<!DOCTYPE r [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    refused((laughs + "]>").encode() + made.replace(b"8f3e2a", b"&j;"), "document type")
    # In another encoding the word for it looks different.
    told = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE r [<!ENTITY x "y">]>' + made.decode()
    refused(told.encode("utf-16"), "no XML")
    seven = b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE r [+ADwAIQ-ENTITY x "y"+AD4-]+AD4-' + made
    refused(seven, "no XML")
    refused(b"<a>" * 5000 + b"</a>" * 5000, "no XML")


def test_what_is_no_response_is_refused(refused, provider, signer):
    for garbage in (b"", b"mallory", b"<x/>", etree.tostring(assertion(said()))):
        refused(garbage, "no XML|not one response|another version|answers another")
    with pytest.raises(Refused):
        verified("mallory!", provider, Asked(REQUEST, ACS, datetime.now(UTC)))
    refused(response(said(), status="Responder"), "refuses")
    refused(response(said()), "not one assertion")
    refused(response(said(), signer.sign(assertion(said())), Destination="https://x.example"), "another place")
    hidden = response(said())
    add(hidden, A, "EncryptedAssertion")
    refused(hidden, "encrypts")
