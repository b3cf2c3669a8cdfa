import pytest
from starlette.datastructures import Headers

from dashboard.doorkeeper import is_ours, read_origin
from federation.errors import SettingsError

ORIGIN = "https://keyong.example.gov.cn"


def headers(**named: str) -> Headers:
    return Headers({name.replace("_", "-"): value for name, value in named.items()})


@pytest.mark.parametrize(
    "named",
    [
        {"host": "127.0.0.1:8501"},
        {"host": "localhost:8501"},
        {"host": "127.0.0.1:8501", "origin": "http://127.0.0.1:8501"},
        {"host": "localhost:8501", "origin": "http://localhost:8501"},
    ],
)
def test_loopback_is_answered_with_and_without_a_proxy(named):
    assert is_ours(headers(**named), "")
    assert is_ours(headers(**named), ORIGIN)


@pytest.mark.parametrize(
    "named",
    [
        {},  # no host at all
        {"host": ""},
        {"host": "rebound.example"},
        {"host": "127.0.0.1.rebound.example:8501"},
        {"host": "127.0.0.1@rebound.example"},
        {"host": "[::1"},
        {"host": "keyong.example.gov.cn"},  # nobody has configured it
        {"host": "keyong.example.gov.cn", "x_forwarded_host": "127.0.0.1:8501"},
        {"host": "127.0.0.1:8501", "origin": "http://rebound.example"},
        {"host": "127.0.0.1:8501", "origin": "http://127.0.0.1:9999"},  # another program of this machine
        {"host": "127.0.0.1:8501", "origin": "null"},
        {"host": "127.0.0.1:8501", "origin": ""},
    ],
)
def test_another_host_or_another_sites_page_is_not_answered(named):
    assert not is_ours(headers(**named), "")


@pytest.mark.parametrize(
    ("named", "ours"),
    [
        ({"host": "keyong.example.gov.cn"}, True),
        ({"host": "keyong.example.gov.cn", "origin": ORIGIN}, True),
        ({"host": "127.0.0.1:8501", "origin": ORIGIN}, True),  # a proxy that names the host it asks
        ({"host": "keyong.example.gov.cn:8443"}, False),
        ({"host": "keyong.example.gov.cn", "origin": "http://keyong.example.gov.cn"}, False),  # not over TLS
        ({"host": "keyong.example.gov.cn", "origin": "http://127.0.0.1:8501"}, False),
        ({"host": "other.example.gov.cn", "origin": ORIGIN}, False),
    ],
)
def test_behind_a_proxy_its_one_origin_is_answered_too(named, ours):
    assert is_ours(headers(**named), ORIGIN) is ours


def test_two_hosts_are_none():
    raw = [(b"host", b"127.0.0.1"), (b"host", b"rebound.example")]
    assert not is_ours(Headers(raw=raw), ORIGIN)


def test_an_origin_is_https_and_a_host():
    assert read_origin("https://Keyong.example.gov.cn:8443") == "https://keyong.example.gov.cn:8443"


@pytest.mark.parametrize(
    "text",
    [
        "keyong.example.gov.cn",
        "http://keyong.example.gov.cn",
        "https://",
        "https://keyong.example.gov.cn/",
        "https://keyong.example.gov.cn/desk",
        "https://keyong.example.gov.cn:443",  # a browser leaves it out
        "https://keyong.example.gov.cn:x",
        "https://user@keyong.example.gov.cn",
        "https://*.example.gov.cn?",
        "*",
    ],
)
def test_what_is_no_origin_is_refused(text):
    with pytest.raises(SettingsError) as refused:
        read_origin(text)
    assert refused.value.code == "settings.origin"
