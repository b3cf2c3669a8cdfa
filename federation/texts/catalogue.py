"""The words of errors about the catalogue and the shelf of requests."""

from __future__ import annotations

from federation.texts.text import Text

CATALOGUE: dict[str, Text] = {
    "refused.shelf": Text(
        "{party} 的 PySyft 目录中，申请 {request} 的状态或文件与签字官员所批准的不一致",
        "由 {party} 核对其主目录下 datasite 中的该申请，查明是谁改动；原申请作废，请重新提出",
        "the PySyft folder of {party} shows request {request} otherwise than its officers said, or with other files",
        "have {party} look into the datasite folder of its home and find out who changed it; then ask anew",
    ),
    "request.no_dataset": Text(
        "目录中没有数据集 {dataset}",
        "目录中有（部门.表）：{known}",
        "there is no dataset {dataset} in the catalogue",
        "these are in it, department.table: {known}",
    ),
    "home.shelf": Text(
        "{party} 无法写入其 PySyft 目录（{request}）",
        "检查该部门主目录下 datasite 文件夹的权限与磁盘空间，然后重试",
        "{party} cannot write its PySyft folder ({request})",
        "check the permissions and the disk space of the folder datasite in its home, and try again",
    ),
    "settings.card_quotes": Text(
        "{department} 的数据表 {table}：公开的数据卡中含有该表的原始取值",
        "从 federation.toml 中该表的 summary、label、values 等公开文字里删去该内容，然后重新启动",
        "table {table} of {department}: its public data card quotes a raw cell of that table",
        "take it out of the public words of the table in federation.toml (summary, label, values), and start again",
    ),
    "record.shelf": Text(
        "{party} 的 PySyft 目录与审计记录不一致：申请 {request} 在目录中为 {found}，在记录中为 {said}",
        "以记录为准：由 {party} 查明是谁改动了其主目录下的 datasite 文件夹",
        "the PySyft folder of {party} and the record differ: request {request} is {found} there, {said} in the record",
        "the record counts: have {party} find out who changed the datasite folder in its home",
    ),
    "record.shelf_files": Text(
        "{party} 的 PySyft 目录中，申请 {request} 的文件与送审时不同",
        "以记录为准：由 {party} 查明是谁替换了其主目录下 datasite 中的文件",
        "in the PySyft folder of {party} the files of request {request} are not those that were laid there",
        "the record counts: have {party} find out who exchanged files in the datasite folder of its home",
    ),
}
