"""The copy proxy: every byte, in order, counted; and nothing but bytes."""

from __future__ import annotations

import os
import secrets
import selectors
import socket
import threading

import pytest

from federation.runtime.proxy import CopyProxy, Counts


class Bench:
    """A proxy with one link, driven by hand."""

    def __init__(self, folder) -> None:
        self.deserted: list[str] = []
        self.counts = Counts(folder / "wire.json")
        self._selector = selectors.DefaultSelector()
        self.proxy = CopyProxy(self._selector, self.counts, self.deserted.append)
        self.session = self.counts.begin("tax")
        inner, self.department = socket.socketpair()
        self.coordinator = self.proxy.join(self.session, inner)
        for end in (self.department, self.coordinator):
            end.settimeout(5)

    def turn(self, patience: float = 0.1) -> None:
        while ready := self._selector.select(patience):
            for key, _ in ready:
                key.data()
            patience = 0


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_bytes_pass_both_ways_and_are_counted(bench):
    bench.department.sendall(b"ciphertexts")
    bench.coordinator.sendall(b"plan")
    bench.turn()
    assert (bench.coordinator.recv(100), bench.department.recv(100)) == (b"ciphertexts", b"plan")
    assert (bench.session.sent, bench.session.received) == (11, 4)


def test_descriptors_do_not_pass(bench):
    before = len(os.listdir("/proc/self/fd"))
    passed = os.open(os.devnull, os.O_RDONLY)
    socket.send_fds(bench.department, [b"hello"], [passed])
    os.close(passed)
    bench.turn()
    data, descriptors, _, _ = socket.recv_fds(bench.coordinator, 100, 4)
    assert (data, descriptors) == (b"hello", [])
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_plain_socket_pair_would_have_passed_it():
    """The control: the attempt works where no proxy stands between."""
    ours, theirs = socket.socketpair()
    socket.send_fds(ours, [b"hello"], [ours.fileno()])
    assert len(socket.recv_fds(theirs, 100, 4)[1]) == 1


def test_megabytes_arrive_whole_while_the_reader_is_slow(bench):
    body = secrets.token_bytes(20 << 20)
    sender = threading.Thread(target=bench.department.sendall, args=(body,))
    sender.start()
    arrived = bytearray()
    while len(arrived) < len(body):
        bench.turn(0.01)
        arrived += bench.coordinator.recv(1 << 16)
    sender.join()
    assert bytes(arrived) == body
    assert bench.session.sent == len(body)


def test_last_words_of_a_department_that_has_ended_are_brought_on(bench):
    bench.department.sendall(b"last")
    bench.department.close()
    bench.proxy.drain("tax")
    assert bench.coordinator.recv(100) == b"last"


def test_a_coordinator_that_closes_is_told_of(bench):
    bench.coordinator.close()
    bench.turn()
    assert bench.deserted == ["tax"]


def test_counts_outlive_the_launcher_and_sessions_go_on_numbering(bench, tmp_path):
    bench.department.sendall(b"12345")
    bench.turn()
    bench.counts.end(bench.session)
    bench.counts.save()
    again = Counts(tmp_path / "wire.json")
    assert again.begin("tax").number == 2


def test_counts_that_cannot_be_written_are_kept_for_later(tmp_path):
    counts = Counts(tmp_path / "no such folder" / "wire.json")
    counts.add(counts.begin("tax"), sent=1)
    counts.save()
    assert counts.dirty
