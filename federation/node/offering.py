"""What a department offers: cards and mock rows, held against its own rows before anybody sees them.

Mock rows cannot quote a row: they are made from the catalogue alone. A card can: its owner writes the summary and the
labels by hand. The fingerprints catch what they catch in a frame; see `fingerprints`.
"""

from __future__ import annotations

from federation.catalogue.cards import offered
from federation.errors import SettingsError
from federation.governance.datasite import Datasite, Registered
from federation.messages import Dataset
from federation.node.fingerprints import Fingerprints
from federation.settings import Settings

# The whole private part of a dataset in PySyft.
WHERE = """真实数据行不在这里：由 {department} 的数据适配器 {adapter} 就地读取，只用于经批准的计算。
The rows are not here: the adapter {adapter} of {department} reads them where they are, for approved work only.
"""


def offer(settings: Settings, department: str, fingerprints: Fingerprints) -> tuple[Dataset, ...]:
    """Make a department's datasets.

    Raises:
        SettingsError: one of them quotes a raw cell; names the table.
    """
    datasets = offered(settings, department)
    for dataset in datasets:
        if fingerprints.search(dataset.card.encode() + dataset.mock, (dataset.mock,)) is not None:
            table = dataset.name.partition(".")[2]
            raise SettingsError("settings.card_quotes", department=department, table=table)
    return datasets


def register(datasite: Datasite, datasets: tuple[Dataset, ...], settings: Settings, department: str) -> None:
    """Register a department's datasets in its PySyft folder.

    Raises:
        HomeError: it cannot be written.
    """
    adapters = {store.table: store.adapter for d in settings.departments if d.name == department for store in d.stores}
    for dataset in datasets:
        table = dataset.name.partition(".")[2]
        card = settings.catalogue.table(table)
        if card is None:
            continue
        summary = " · ".join((card.summary or card.label, card.summary_en or card.label_en))
        where = WHERE.format(department=department, adapter=adapters[table])
        datasite.register(Registered(dataset, summary, (card.data_class,), where))
