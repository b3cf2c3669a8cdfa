"""The SuperLink's certificate: good for one address, and only if it is the one that was handed over."""

from __future__ import annotations

import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from federation.runtime.superlink.certificate import LIFE, make_certificate

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def handshake(folder: Path, served: tuple[bytes, bytes], trusted: bytes, name: str) -> None:
    """Let a client that trusts one certificate meet a server that has another, or the same."""
    (folder / "c.pem").write_bytes(served[0])
    (folder / "k.pem").write_bytes(served[1])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "c.pem", folder / "k.pem")
    client = ssl.create_default_context(cadata=trusted.decode())
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(ours, server_hostname=name).close()
    finally:
        ours.close()
        thread.join()


def test_it_is_known_on_loopback_by_whoever_was_given_it(tmp_path):
    made = make_certificate(datetime.now(UTC))
    handshake(tmp_path, made, made[0], "127.0.0.1")


def test_it_is_not_known_by_another_name(tmp_path):
    made = make_certificate(datetime.now(UTC))
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        handshake(tmp_path, made, made[0], "127.0.0.2")


def test_another_one_with_the_same_name_is_not_taken_for_it(tmp_path):
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
        handshake(tmp_path, make_certificate(datetime.now(UTC)), make_certificate(datetime.now(UTC))[0], "127.0.0.1")


def test_it_lives_no_longer_than_a_certificate_may_and_can_sign_no_other():
    certificate = x509.load_pem_x509_certificate(make_certificate(NOW)[0])
    assert certificate.not_valid_after_utc == NOW + LIFE
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert not constraints.value.ca
