"""What all kinds of brokers are given: credentials and certificates from the files that the site names, and no log of their own."""

import logging
import ssl
from typing import assert_never

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from gateway.site.wes import BrokerUpstream, Sasl

SILENT = logging.getLogger("gateway.broker")
"""Clients of brokers log every message; what an operator has to know is told by gateway/delivery/brokers.py."""
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


def security(settings: BrokerUpstream) -> BaseSecurity:
    """Return user, password and TLS as the settings want them.

    Raises:
        OSError: the password or a certificate cannot be read.
    """
    context = _tls(settings) if settings.encrypted else None
    if settings.username is None or settings.password_file is None:
        return BaseSecurity(context)
    password = settings.password_file.read_text(encoding="utf-8").strip()
    match settings.sasl:
        case Sasl.PLAIN:
            return SASLPlaintext(settings.username, password, context)
        case Sasl.SCRAM_SHA_256:
            return SASLScram256(settings.username, password, context)
        case Sasl.SCRAM_SHA_512:
            return SASLScram512(settings.username, password, context)
        case _:
            assert_never(settings.sasl)


def _tls(settings: BrokerUpstream) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.certificate:
        context.load_cert_chain(settings.certificate, settings.private_key)
    return context
