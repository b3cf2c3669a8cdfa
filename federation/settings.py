"""One TOML file, `federation.toml`, read into frozen values; and the catalogue, its public part.

Every key has a default or is required; unknown keys, missing files and wrong types are errors that name the key.
Numbers of a column (bounds, cuts) are written in the column's own unit and kept in base units: times 10**N for
decimal(N), so that every number of the protocol is an integer.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from crypto.paillier import MINIMUM_KEY_BITS
from federation.errors import SettingsError
from federation.plan import MAX_RANGE_BITS, Column

Use = Literal["never", "join_key", "filter", "group_by", "aggregate", "feature", "plain"]
# 一般、重要、核心: the three classes of data of the Data Security Law, article 21.
DataClass = Literal["general", "important", "core"]
# 市级、县级: a county's bureaus stand under the city and hold the accounts that it allots to them.
Tier = Literal["city", "county"]
JobKind = Literal["sum", "train", "predict", "script"]
ALL_KINDS: tuple[JobKind, ...] = ("sum", "train", "predict", "script")

PARTY_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
TABLE_NAME = re.compile(r"[^\W\d]\w{0,62}")
TYPE_NAME = re.compile(r"integer|decimal\([1-6]\)|text|date|boolean")
RESERVED_NAMES = frozenset({"coordinator", "dealer", "launcher", "analyst", "city"})

# One value of one contributor can be told from a sum of two by either of them, so three is the least.
LEAST_CONTRIBUTORS = 3
LEAST_GROUP = 3
# Operators and auditors of the whole federation stand at the city.
CITY = "city"
# Whoever asks, if the file names nobody.
ANALYST = f"analyst@{CITY}"
MAX_PERSON = 64
# A summary is for people to read, and no way to hand out rows.
MAX_SUMMARY = 300
# Settings of a table that name a file or folder, whatever the adapter.
FILE_KEYS = ("path", "folder")
BOOLEAN_VALUES = ("false", "true")


class ColumnCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column as everybody may know it.

    Attributes:
        low: lower public bound in base units; None if the column has none.
        high: upper public bound.
        uses: what the owner allows; anything not listed is refused.
        values: the public domain of a text or boolean column.
        cuts: public cut points: base units for numbers, ISO text for dates; ascending.
    """

    name: str
    type: str
    unit: str
    label: str
    label_en: str
    low: int | None
    high: int | None
    uses: tuple[Use, ...]
    values: tuple[str, ...]
    cuts: tuple[int | str, ...]

    @property
    def as_column(self) -> Column:
        """The column as a store needs it."""
        return Column(name=self.name, type=self.type)

    @property
    def is_number(self) -> bool:
        """Whether it can be added up: integers, decimals and booleans (0 or 1)."""
        return self.type in ("integer", "boolean") or self.type.startswith("decimal")


class TableCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table as everybody may know it, and the departments that hold one of its shape.

    Attributes:
        data_class: how sensitive its owner holds it to be; nothing leaves of core data, and no script sees any.
        scripts: whether an approved script may be given its rows.
        summary: what it holds, for people, in Chinese; the owner's words, and no rows.
    """

    name: str
    label: str
    label_en: str
    id: str
    columns: tuple[ColumnCard, ...]
    departments: tuple[str, ...]
    data_class: DataClass = "general"
    scripts: bool = False
    summary: str = ""
    summary_en: str = ""

    def column(self, name: str) -> ColumnCard | None:
        """Find a column by name."""
        return next((column for column in self.columns if column.name == name), None)


class TierRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What analysts of one tier may ask for.

    Attributes:
        requests: kinds of jobs.
        minimum_group: of what they ask, if it is more than the federation's.
    """

    requests: tuple[JobKind, ...] = ALL_KINDS
    minimum_group: int = 0


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What can be asked, and the rules that hold for all: public, the same for every party, known by its hash.

    Attributes:
        lab: nobody's data is in it, so that sums may go unprotected, to measure what protection costs.
        counties: the departments that are bureaus of a county.
        county: what analysts of these may ask for; those of the city may ask for everything.
    """

    federation: str
    minimum_group: int
    minimum_contributors: int
    threshold: int
    approvals: Literal["automatic", "officers"]
    departments: tuple[str, ...]
    tables: tuple[TableCard, ...]
    lab: bool = False
    counties: tuple[str, ...] = ()
    county: TierRules = TierRules()

    def tier(self, account: str) -> Tier:
        """The tier of an account, such as analyst@zezhou: that of the department behind the @."""
        return "county" if account.rpartition("@")[2] in self.counties else "city"

    def rules(self, account: str) -> TierRules:
        """What an account may ask for, with the least group of what it asks."""
        if self.tier(account) == "city":
            return TierRules(minimum_group=self.minimum_group)
        return TierRules(
            requests=self.county.requests, minimum_group=max(self.minimum_group, self.county.minimum_group)
        )

    def lets(self, account: str, table: TableCard) -> bool:
        """Whether an account may ask about a table at all: nobody about core data, no county about important data."""
        return table.data_class == "general" or (table.data_class == "important" and self.tier(account) == "city")

    def table(self, name: str) -> TableCard | None:
        """Find a table by name."""
        return next((table for table in self.tables if table.name == name), None)

    def to_bytes(self) -> bytes:
        """Canonical bytes."""
        return msgspec.json.encode(self)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical bytes, hex."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


class TableStore(msgspec.Struct, frozen=True, kw_only=True):
    """How one department reaches one of its tables.

    Attributes:
        adapter: as written: an installed adapter's name, or ./mine.py:Class.
        code: the absolute path of the file behind ./mine.py:Class, else "".
        options: the adapter's own settings; paths are absolute.
        sockets: absolute paths of the folders in which its database server has its sockets, on this machine.
    """

    table: str
    adapter: str
    code: str = ""
    options: dict[str, str]
    sockets: tuple[str, ...] = ()
    columns: tuple[Column, ...]

    @property
    def code_file(self) -> Path | None:
        """The file of the operator's own that holds the adapter, if one does."""
        return Path(self.code) if self.code else None

    @property
    def files(self) -> tuple[Path, ...]:
        """Files and folders that reading it takes."""
        named = (self.code, *(self.options.get(key, "") for key in FILE_KEYS))
        return tuple(Path(path) for path in named if path)

    @property
    def is_remote(self) -> bool:
        """Whether its server is reached over the network."""
        return bool(urlsplit(self.options.get("url", "")).hostname)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The environment variables that its process needs."""
        return tuple(value for key, value in self.options.items() if key.endswith("_env") and value)

    def options_with_sockets(self, moved: Mapping[str, str]) -> dict[str, str]:
        """Return the options, with folders of sockets found elsewhere."""
        if not self.sockets:
            return self.options

        def place(value: str) -> str:
            folder = next((f for f in moved if value.startswith("/") and Path(value).is_relative_to(f)), None)
            return value if folder is None else str(Path(moved[folder]) / Path(value).relative_to(folder))

        head, _, query = self.options["url"].partition("?")
        asked = [(key, place(value)) for key, value in parse_qsl(query, keep_blank_values=True)]
        return {**self.options, "url": f"{head}?{urlencode(asked, safe='/')}"}


class Department(msgspec.Struct, frozen=True, kw_only=True):
    """A data owner.

    Attributes:
        network: its process keeps the network, to reach its database over TCP; every screen then says so.
    """

    name: str
    label: str
    label_en: str
    stores: tuple[TableStore, ...]
    network: bool = False

    @property
    def sockets(self) -> tuple[str, ...]:
        """Folders of the sockets of its database servers."""
        return tuple(dict.fromkeys(folder for store in self.stores for folder in store.sockets))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The environment variables that its process alone is given."""
        return tuple(dict.fromkeys(name for store in self.stores for name in store.secrets))


class OfficerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person in one of the three separate roles.

    Attributes:
        name: role@department, such as officer@tax; operators and auditors of the whole are @city.
        person: who it is; nobody may hold two roles.
    """

    name: str
    role: Literal["operator", "officer", "auditor"]
    person: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of federation.toml.

    Attributes:
        key_bits: size of the joint Paillier key.
        deadline_s: how long a department may take to answer one message, seconds.
        officers_needed: how many officers of a department must grant a request.
        analysts: accounts that may ask, name@department or name@city.
    """

    name: str
    key_bits: int
    deadline_s: int
    departments: tuple[Department, ...]
    catalogue: Catalogue
    officers: tuple[OfficerSettings, ...] = ()
    officers_needed: Literal[1, 2] = 1
    analysts: tuple[str, ...] = (ANALYST,)

    def labels(self, language: str) -> dict[str, str]:
        """Departments' names for people."""
        return {d.name: (d.label if language == "zh" else d.label_en) for d in self.departments}


# -- the file, as it is written ------------------------------------------------------------------------------------

T = TypeVar("T")


class _Federation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    min_group_size: int = 10
    min_contributors: int = 3
    key_bits: int = MINIMUM_KEY_BITS
    threshold: int | None = None
    approvals: Literal["automatic", "officers"] = "officers"
    officers_needed: Literal[1, 2] = 1
    analysts: tuple[str, ...] = (ANALYST,)
    deadline_s: int = 60
    lab: bool = False


class _County(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    requests: tuple[JobKind, ...] = ALL_KINDS
    min_group_size: int | None = None


class _Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: str
    uses: tuple[Use, ...]
    unit: str = ""
    label: str = ""
    label_en: str = ""
    bounds: tuple[int | float, int | float] | None = None
    values: tuple[str, ...] = ()
    cuts: tuple[int | float | str, ...] = ()


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    adapter: str
    columns: dict[str, object]
    id: str = ""
    label: str = ""
    label_en: str = ""
    data_class: DataClass = "general"
    scripts: bool = False
    summary: Annotated[str, msgspec.Meta(max_length=MAX_SUMMARY)] = ""
    summary_en: Annotated[str, msgspec.Meta(max_length=MAX_SUMMARY)] = ""


class _Department(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    label: str = ""
    label_en: str = ""
    tier: Tier = "city"
    network: bool = False
    tables: dict[str, dict[str, object]] = {}


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Literal[1]
    federation: _Federation
    department: tuple[_Department, ...]
    officer: tuple[OfficerSettings, ...] = ()
    county: _County = _County()


def read_settings(path: Path, *, minimum_key_bits: int = MINIMUM_KEY_BITS) -> Settings:
    """Read and check a federation.toml.

    Args:
        minimum_key_bits: smaller keys are refused; only tests pass another number than the default.

    Raises:
        SettingsError: the file is missing or not TOML, or a key is unknown, missing or wrong; names the key.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise SettingsError("settings.file_missing", path=path) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError("settings.not_toml", path=path, detail=str(exc)[:120]) from exc
    file = _convert(raw, _File, "")
    _check_federation(file, minimum_key_bits)
    _check_officers(file)
    _check_analysts(file)
    departments = tuple(
        Department(
            name=department.name,
            label=department.label or department.name,
            label_en=department.label_en or department.name,
            stores=tuple(_store(department, name, table, path.parent) for name, table in department.tables.items()),
            network=department.network,
        )
        for department in file.department
    )
    return Settings(
        name=file.federation.name,
        key_bits=file.federation.key_bits,
        deadline_s=file.federation.deadline_s,
        departments=departments,
        catalogue=_catalogue(file),
        officers=file.officer,
        officers_needed=file.federation.officers_needed,
        analysts=file.federation.analysts,
    )


def _convert(raw: object, kind: type[T], where: str) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as exc:
        reason, _, key = str(exc).partition(" - at ")
        key = (where + key.strip("`").removeprefix("$")).strip(".")
        raise SettingsError("settings.key", key=key or "federation.toml", reason=reason.replace("`", "")) from exc


def _wrong(key: str, reason: str) -> SettingsError:
    return SettingsError("settings.key", key=key, reason=reason)


def _check_federation(file: _File, minimum_key_bits: int) -> None:
    rules, names = file.federation, [department.name for department in file.department]
    for name in names:
        if not PARTY_NAME.fullmatch(name) or name in RESERVED_NAMES:
            raise _wrong("department.name", f"{name!r} is not a lower-case name of up to 31 letters, digits, - or _")
    if len(set(names)) < len(names):
        raise _wrong("department.name", "two departments have the same name")
    if len(names) < LEAST_CONTRIBUTORS:
        raise _wrong("department", f"at least {LEAST_CONTRIBUTORS} departments are needed")
    if rules.min_contributors < LEAST_CONTRIBUTORS:
        raise _wrong("federation.min_contributors", f"must be {LEAST_CONTRIBUTORS} or more")
    if rules.min_group_size < LEAST_GROUP:
        raise _wrong("federation.min_group_size", f"must be {LEAST_GROUP} or more")
    if rules.key_bits < minimum_key_bits or rules.key_bits % 2 or rules.key_bits > 8192:
        raise _wrong("federation.key_bits", f"must be an even number from {minimum_key_bits} to 8192")
    if rules.threshold is not None and not 2 <= rules.threshold <= len(names):
        raise _wrong("federation.threshold", f"must be from 2 to {len(names)}, the number of departments")
    if not 1 <= rules.deadline_s <= 3600:
        raise _wrong("federation.deadline_s", "must be from 1 to 3600 seconds")
    if file.county.min_group_size is not None and file.county.min_group_size < rules.min_group_size:
        raise _wrong("county.min_group_size", f"must be {rules.min_group_size} or more, as for everybody")


def _check_officers(file: _File) -> None:
    """Three separate roles, nobody in two of them; with the rule "officers", each department has those who approve."""
    departments = {department.name for department in file.department}
    for officer in file.officer:
        name, _, place = officer.name.rpartition("@")
        if not PARTY_NAME.fullmatch(name) or place not in {*departments, CITY}:
            raise _wrong("officer.name", f"{officer.name!r} is not name@department, or name@{CITY} for the whole")
        if officer.role == "officer" and place == CITY:
            raise _wrong("officer.name", f"{officer.name!r}: a security officer acts for one department")
        if not officer.person.strip() or len(officer.person) > MAX_PERSON:
            raise _wrong("officer.person", f"{officer.name!r} needs the name of a person")
    for what in ("name", "person"):
        listed = [getattr(officer, what) for officer in file.officer]
        if len(set(listed)) < len(listed):
            raise _wrong(f"officer.{what}", "stands twice: nobody may hold two of the separate roles")
    needed = file.federation.officers_needed
    if file.federation.approvals == "officers":
        serving = Counter(officer.name.rpartition("@")[2] for officer in file.officer if officer.role == "officer")
        for department in sorted(departments):
            if not serving[department]:
                raise SettingsError("settings.officer_missing", department=department)
            if serving[department] < needed:
                raise SettingsError("settings.officers_few", department=department, needed=needed)
    elif needed > 1:
        raise _wrong("federation.officers_needed", 'nobody grants anything unless approvals = "officers"')


def _check_analysts(file: _File) -> None:
    """Every account that may ask stands at a department of ours or at the city, and is nobody else's."""
    places, accounts = {CITY, *(department.name for department in file.department)}, file.federation.analysts
    for account in accounts:
        name, _, place = account.rpartition("@")
        if not PARTY_NAME.fullmatch(name) or place not in places:
            raise _wrong("federation.analysts", f"{account!r} is not name@department, or name@{CITY}")
        if account in {officer.name for officer in file.officer}:
            raise _wrong("federation.analysts", f"{account!r} is an officer: who asks does not approve")
    if len(set(accounts)) < len(accounts):
        raise _wrong("federation.analysts", "an account stands twice")


def _table(
    department: _Department, name: str, raw: Mapping[str, object]
) -> tuple[_Table, dict[str, str], dict[str, _Column]]:
    """Split a table into our keys, the adapter's own, and the columns."""
    where = f"department[{department.name}].tables.{name}"
    if not TABLE_NAME.fullmatch(name):
        raise _wrong(where, "a table's name is letters, digits and _, not starting with a digit")
    table = _convert(raw, _Table, where)
    ours = {field.name for field in msgspec.structs.fields(_Table)}
    options = {key: value for key, value in raw.items() if key not in ours}
    for key, value in options.items():
        if not isinstance(value, str):
            raise _wrong(f"{where}.{key}", "expected text")
    columns = {key: _convert(column, _Column, f"{where}.columns.{key}") for key, column in table.columns.items()}
    return table, {key: str(value) for key, value in options.items()}, columns


def _store(department: _Department, name: str, raw: Mapping[str, object], folder: Path) -> TableStore:
    table, options, declared = _table(department, name, raw)
    where = f"department[{department.name}].tables.{name}"
    for key, found, code in (
        ("path", Path.is_file, "settings.data_missing"),
        ("folder", Path.is_dir, "settings.folder_missing"),
    ):
        if key in options:
            data = (folder / options[key]).resolve()
            if not found(data):
                raise SettingsError(code, key=f"{where}.{key}", path=data)
            options[key] = str(data)
    _check_passwords(where, options)
    source = ""
    if ".py:" in table.adapter:
        source = str((folder / table.adapter.rpartition(":")[0]).resolve())
        if not Path(source).is_file():
            raise SettingsError("settings.data_missing", key=f"{where}.adapter", path=source)
    columns = tuple(Column(name=column, type=card.type) for column, card in declared.items())
    return TableStore(
        table=name,
        adapter=table.adapter,
        code=source,
        options=options,
        sockets=_socket_folders(options.get("url", "")),
        columns=columns,
    )


def _socket_folders(url: str) -> tuple[str, ...]:
    """Find the sockets in a url's query, whatever the key: host=/run/postgresql, unix_socket=/run/mysqld/x.sock."""
    paths = [Path(value) for _, value in parse_qsl(urlsplit(url).query) if value.startswith("/")]
    # The folder even where a file is named: a server that restarts makes a new socket.
    folders = [path.parent if path.suffix == ".sock" or path.is_socket() else path for path in paths]
    return tuple(dict.fromkeys(map(str, folders)))


def _check_passwords(where: str, options: Mapping[str, str]) -> None:
    """Refuse a password in the file; the refusal does not show it."""
    for key, value in options.items():
        named = "password" in key.lower() and not key.endswith(("_env", "_file"))
        try:
            url = urlsplit(value) if key == "url" else urlsplit("")
        except ValueError:
            raise _wrong(f"{where}.{key}", "this is no URL") from None
        asked = {name.lower() for name, _ in parse_qsl(url.query)}
        if named or url.password is not None or any("password" in name or name == "passwd" for name in asked):
            raise SettingsError("settings.password_inside", key=f"{where}.{key}")


def _catalogue(file: _File) -> Catalogue:
    cards: dict[str, TableCard] = {}
    for department in file.department:
        for name, raw in department.tables.items():
            table, _, columns = _table(department, name, raw)
            where = f"department[{department.name}].tables.{name}"
            if not columns:
                raise _wrong(f"{where}.columns", "a table needs at least one column")
            if table.scripts and table.data_class == "core":
                raise _wrong(f"{where}.scripts", "no script is given core data")
            card = TableCard(
                name=name,
                label=table.label or name,
                label_en=table.label_en or name,
                id=table.id,
                columns=tuple(_column(f"{where}.columns.{c}", c, column) for c, column in columns.items()),
                departments=(department.name,),
                data_class=table.data_class,
                scripts=table.scripts,
                summary=table.summary,
                summary_en=table.summary_en,
            )
            known = cards.get(name)
            if known is not None:
                if msgspec.structs.replace(card, departments=known.departments) != known:
                    raise SettingsError("settings.tables_differ", table=name, department=department.name)
                card = msgspec.structs.replace(card, departments=(*known.departments, department.name))
            cards[name] = card
    rules, count = file.federation, len(file.department)
    return Catalogue(
        federation=rules.name,
        minimum_group=rules.min_group_size,
        minimum_contributors=rules.min_contributors,
        threshold=rules.threshold or count // 2 + 1,
        approvals=rules.approvals,
        departments=tuple(sorted(d.name for d in file.department)),
        tables=tuple(
            msgspec.structs.replace(card, departments=tuple(sorted(card.departments)))
            for _, card in sorted(cards.items())
        ),
        lab=rules.lab,
        counties=tuple(sorted(d.name for d in file.department if d.tier == "county")),
        county=TierRules(
            requests=tuple(kind for kind in ALL_KINDS if kind in file.county.requests),
            minimum_group=file.county.min_group_size or 0,
        ),
    )


def _column(where: str, name: str, column: _Column) -> ColumnCard:
    if not TYPE_NAME.fullmatch(column.type):
        raise _wrong(f"{where}.type", "must be integer, decimal(1) to decimal(6), text, date or boolean")
    if not column.uses or ("never" in column.uses and len(column.uses) > 1):
        raise _wrong(f"{where}.uses", '"never" stands alone, and an empty list is written ["never"]')
    scale = Column(name=name, type=column.type).scale
    number = column.type in ("integer", "boolean") or scale > 0
    low, high = _bounds(where, column, scale, number=number)
    if number and column.values:
        raise _wrong(f"{where}.values", f"a column of type {column.type} has no values; numbers have cuts = [...]")
    values = BOOLEAN_VALUES if column.type == "boolean" else column.values
    if len(set(values)) < len(values):
        raise _wrong(f"{where}.values", "a value is listed twice")
    cuts = _cuts(where, column, scale, number=number)
    if "aggregate" in column.uses and number and low is None:
        raise _wrong(f"{where}.bounds", "a number that may be aggregated needs bounds = [low, high]")
    if "group_by" in column.uses and not values and (not cuts or column.type == "date"):
        raise _wrong(f"{where}.values", "a column to group by needs values = [...], or cuts = [...] for a number")
    if "filter" in column.uses and not values and not cuts:
        raise _wrong(f"{where}.cuts", "a column to filter by needs cuts = [...], or values = [...] for text")
    return ColumnCard(
        name=name,
        type=column.type,
        unit=column.unit,
        label=column.label or name,
        label_en=column.label_en or name,
        low=low,
        high=high,
        uses=column.uses,
        values=values,
        cuts=cuts,
    )


def _bounds(where: str, column: _Column, scale: int, *, number: bool) -> tuple[int, int] | tuple[None, None]:
    if column.bounds is None:
        return (0, 1) if column.type == "boolean" else (None, None)
    if not number or column.type == "boolean":
        raise _wrong(f"{where}.bounds", f"a column of type {column.type} has no bounds")
    low, high = (_base_units(f"{where}.bounds", value, scale) for value in column.bounds)
    if low >= high:
        raise _wrong(f"{where}.bounds", "the lower bound must be below the upper")
    if (high - low).bit_length() > MAX_RANGE_BITS:
        raise _wrong(f"{where}.bounds", f"the range may have up to {MAX_RANGE_BITS} bits, in base units")
    return low, high


def _cuts(where: str, column: _Column, scale: int, *, number: bool) -> tuple[int | str, ...]:
    if not column.cuts:
        return ()
    cuts: tuple[int | str, ...]
    if number and column.type != "boolean":
        cuts = tuple(_base_units(f"{where}.cuts", cut, scale) for cut in column.cuts)
    elif column.type == "date":
        cuts = tuple(_iso_date(f"{where}.cuts", cut) for cut in column.cuts)
    else:
        raise _wrong(f"{where}.cuts", f"a column of type {column.type} has no such cuts")
    if any(not low < high for low, high in pairwise(cuts)):  # type: ignore[operator]  # all int or all str
        raise _wrong(f"{where}.cuts", "cut points must ascend")
    return cuts


def _iso_date(where: str, value: float | str) -> str:
    """Take a date in its one ISO form: dates are compared as text."""
    try:
        if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise _wrong(where, 'expected dates written "2024-01-31"')


def _base_units(where: str, value: float | str, scale: int) -> int:
    """Turn a number as written into base units, exactly."""
    if isinstance(value, str):
        raise _wrong(where, "expected a number")
    exact = Decimal(repr(value)).scaleb(scale)
    if not exact.is_finite() or exact != exact.to_integral_value():
        raise _wrong(where, f"{value!r} has more digits than the column's type")
    return int(exact)
