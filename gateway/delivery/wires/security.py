"""What all kinds of brokers are given: credentials from the file that the site names, and no log of their own."""

import logging
from urllib.parse import urlsplit

from faststream.security import BaseSecurity, SASLPlaintext

from gateway.site.wes import BrokerUpstream

ENCRYPTED = frozenset({"tls", "amqps", "rediss", "kafkas"})
"""Schemes of addresses that are spoken to over TLS."""
SILENT = logging.getLogger("gateway.broker")
"""Clients of brokers log every message; what an operator has to know is told by gateway/delivery/brokers.py."""
SILENT.addHandler(logging.NullHandler())
SILENT.propagate = False


def security(settings: BrokerUpstream) -> BaseSecurity:
    """Return user, password and TLS as the settings want them."""
    encrypted = urlsplit(settings.url.split(",")[0]).scheme in ENCRYPTED
    if settings.username is None or settings.password_file is None:
        return BaseSecurity(use_ssl=encrypted)
    password = settings.password_file.read_text(encoding="utf-8").strip()
    return SASLPlaintext(settings.username, password, use_ssl=encrypted)
