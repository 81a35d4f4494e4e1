# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""A peer of the daemon over TLS, whose bytes pass through the test's hands.

Python's ssl enciphers into memory, and a plain socket takes the bytes from
there: in pieces, with others between, or not at all.
"""

import ssl
import unittest

import certificates
from daemon import program, run
from message import Reply, read
from peer import Ended, Peer


def context(authority=None, mine=None, most=None, protocols=(),
            least=ssl.TLSVersion.TLSv1_2):
    """A client's context.

    authority   the Certificate that the server is proven by; None: none
    mine        the one that we show
    most, least versions
    protocols   of ALPN
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = least
    if most is not None:
        made.maximum_version = most
    if authority is None:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    else:
        made.load_verify_locations(authority.cert)
    if mine is not None:
        made.load_cert_chain(mine.cert, mine.key)
    if protocols:
        made.set_alpn_protocols(list(protocols))
    return made


class TlsPeer:
    """A client's connection.

    name        that it asks for; None: none
    session     of an earlier connection
    start       whether to make the handshake at once
    """

    def __init__(self, address, ctx=None, name="localhost", session=None,
                 start=True, **kwargs):
        self.peer = Peer(address, **kwargs)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (ctx or context()).wrap_bio(
            self.incoming, self.outgoing, server_hostname=name,
            session=session)
        self.at_end = False
        try:
            if start:
                self.handshake()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.peer.close()

    def made(self):
        """What was enciphered, to be sent by the test."""
        return self.outgoing.read()

    def flush(self, size=None):
        """Send what was enciphered, in pieces of a size."""
        data = self.made()
        step = size or len(data) or 1
        for at in range(0, len(data), step):
            self.peer.send(data[at:at + step])

    def _more(self):
        """Receive something; False at the end of all bytes."""
        data = self.peer.sock.recv(1 << 16)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        return bool(data)

    def handshake(self, data=b""):
        """Its end and data leave in one piece."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
                if not self._more():
                    raise Ended("closed within the handshake") from None
            else:
                if data:
                    self.tls.write(data)
                self.flush()
                return

    def encipher(self, data, record=16384):
        """Records of so many bytes each; what they are."""
        for at in range(0, len(data), record):
            self.tls.write(data[at:at + record])
        return self.made()

    def send(self, data, record=16384, size=None):
        for at in range(0, len(data), record):
            self.tls.write(data[at:at + record])
        self.flush(size)

    def notify(self):
        """Say by close_notify that nothing more is sent."""
        try:
            self.tls.unwrap()
        except (ssl.SSLWantReadError, ssl.SSLError):
            pass
        self.flush()

    def finish(self):
        """Say it without."""
        self.peer.finish()

    def some(self, length=1 << 16):
        """Some bytes; b"" at the end, which must be close_notify."""
        while True:
            try:
                return self.tls.read(length)
            except ssl.SSLWantReadError:
                self.flush()
                self._more()
            except ssl.SSLZeroReturnError:
                self.at_end = True
                return b""

    def receive(self, length):
        """Exactly so many bytes."""
        data = bytearray()
        while len(data) < length:
            part = self.some(length - len(data))
            if not part:
                raise Ended(f"closed after {bytes(data)!r}")
            data += part
        return bytes(data)

    def reply(self):
        """The next message."""
        return Reply(*read(self.receive))

    def to_end(self):
        """All bytes until close_notify, and then the end of all."""
        data = bytearray()
        while part := self.some():
            data += part
        rest = self.peer.to_end()
        assert not rest, f"behind close_notify: {rest!r}"
        return bytes(data)

    def ended(self):
        rest = self.to_end()
        assert not rest, f"unexpected {rest[:300]!r}"

    def ask(self, data):
        self.send(data)
        return self.reply()


def needed():
    """Skip the test with a daemon that was built without it."""
    if "\nTLS: none" in run(program("appmsgd"), "-V").stdout:
        raise unittest.SkipTest("appmsgd was built without OpenSSL")


def make_localhost(directory, name="server", **kwargs):
    """A certificate of this machine, signed by itself."""
    needed()
    return certificates.make(
        directory, name, ("DNS:localhost", "IP:127.0.0.1"), **kwargs)
