"""A department's database behind one small contract: with `scan` and `rows`, the stable API for writers of adapters.

An adapter is a class: registered under the entry-point group ``keyong.adapters`` by any distribution, ours among them;
or named in federation.toml as ``adapter = "./mine.py:Class"``. It runs inside its department's confined process. Rows
stay inside: what is asked of it is answered by counts and sums per public group.

The least there is to write is `schema` and `batches` of a `federation.adapters.scan.ScanAdapter`, the latter with
`federation.adapters.rows.record_batches`; docs/adapters.md has one on half a page.
`keyong adapter check` holds any adapter against the contract.
"""

from federation.adapters.contract import Adapter, Cells
from federation.adapters.loading import AdapterCode, find_adapter, installed_adapters, load_adapter
from federation.errors import DataError, SettingsError
from federation.plan import Column, Condition, LocalQuery

__all__ = [
    "Adapter",
    "AdapterCode",
    "Cells",
    "Column",
    "Condition",
    "DataError",
    "LocalQuery",
    "SettingsError",
    "find_adapter",
    "installed_adapters",
    "load_adapter",
]
