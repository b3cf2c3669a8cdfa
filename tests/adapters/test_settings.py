"""What federation.toml says of a store: files, folders, sockets, the network, and never a password."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from federation import operate
from federation.errors import SettingsError
from federation.settings import Settings, TableStore, read_settings
from tests.support.city import federation_toml

COLUMNS = {"n": {"type": "integer", "uses": ["aggregate"], "bounds": [0, 100]}}


def read(here: Path, /, **store: str) -> Settings:
    names = ("east", "west", "north")
    toml = federation_toml(
        departments={name: {"people": store} for name in names}, tables={"people": COLUMNS}, rules={"name": "x"}
    )
    (here / "federation.toml").write_text(toml, "utf-8")
    return read_settings(here / "federation.toml")


def store_of(here: Path, /, **store: str) -> TableStore:
    return read(here, **store).departments[0].stores[0]


def test_a_folder_is_bound_and_absolute(tmp_path):
    (tmp_path / "parts").mkdir()
    store = store_of(tmp_path, adapter="parquet", folder="parts")
    assert (store.options, store.files) == ({"folder": str(tmp_path / "parts")}, (tmp_path / "parts",))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"settings\.folder_missing"):
        read(tmp_path, adapter="parquet", folder="parts")


def test_a_file_of_one_s_own_is_bound(tmp_path):
    (tmp_path / "mine.py").write_text("")
    store = store_of(tmp_path, adapter="./mine.py:Class")
    assert (store.adapter, store.code_file, store.files) == ("./mine.py:Class", tmp_path / "mine.py", store.files)
    assert store.files == (tmp_path / "mine.py",)
    with pytest.raises(SettingsError, match=r"settings\.data_missing"):
        read(tmp_path, adapter="./yours.py:Class")


@pytest.mark.parametrize(
    ("url", "folders", "remote"),
    [
        ("postgresql://a@/city?host=/run/postgresql", ("/run/postgresql",), False),
        ("mysql+pymysql://a@/city?unix_socket=/run/mysqld/mysqld.sock&charset=utf8mb4", ("/run/mysqld",), False),
        ("mysql+pymysql://a@/city?unix_socket=%2Frun%2Fdb%2Fx.sock", ("/run/db",), False),
        ("sqlite://", (), False),
        ("postgresql://a@db.example/city", (), True),
        ("postgresql://a@127.0.0.1:5432/city", (), True),
        ("dm+dmPython://a@host:5236/", (), True),
    ],
)
def test_a_url_says_where_its_server_is(tmp_path, url, folders, remote):
    store = store_of(tmp_path, adapter="sqlalchemy", url=url, table="people")
    assert (store.sockets, store.is_remote) == (folders, remote)


def test_a_socket_that_was_moved_is_found_by_the_same_url(tmp_path):
    url = "mysql+pymysql://a@/city?unix_socket=/run/mysqld/mysqld.sock&charset=utf8mb4"
    store = store_of(tmp_path, adapter="sqlalchemy", url=url, table="people")
    moved = store.options_with_sockets({"/run/mysqld": "/proc/self/cwd/sockets/0"})
    assert moved["url"] == url.replace("/run/mysqld/", "/proc/self/cwd/sockets/0/")


@pytest.mark.parametrize(
    "store",
    [
        {"url": "postgresql://a:secret4711@/city?host=/run/postgresql"},
        {"url": "postgresql://a@/city?host=/run/postgresql&password=secret4711"},
        {"url": "mysql://a@/city?passwd=secret4711"},
        {"url": "postgresql://a@/city", "password": "secret4711"},
        {"url": "postgresql://a@/city", "DB_PASSWORD": "secret4711"},
    ],
)
def test_a_password_in_the_file_is_refused_and_not_shown(tmp_path, store):
    with pytest.raises(SettingsError, match=r"settings\.password_inside") as caught:
        read(tmp_path, adapter="postgres", table="people", **store)
    assert "4711" not in f"{caught.value} {caught.value.details}"


def test_secrets_are_not_in_what_the_launcher_is_started_with(tmp_path, monkeypatch):
    monkeypatch.setenv("CITY_PASSWORD", "secret4711")
    monkeypatch.setenv("HARMLESS", "1")
    url = "postgresql://a@/city?host=/run/postgresql"
    settings = read(tmp_path, adapter="postgres", url=url, table="people", password_env="CITY_PASSWORD")
    environment = operate._environment(settings)
    assert "CITY_PASSWORD" not in environment and environment["HARMLESS"] == "1"
    with operate._secrets(settings.departments[0]) as file:
        assert os.pread(file.fileno(), 100, 0) == b'{"CITY_PASSWORD":"secret4711"}'
