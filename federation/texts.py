"""The words of every error, Chinese and English, by stable code.

The code's first part says whose fault it is; `federation.errors` draws the tree. Between parties only codes travel.
"""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """What is wrong, and the next step, in both languages."""

    zh: str
    next_zh: str
    en: str
    next_en: str


TEXTS: dict[str, Text] = {
    # -- data: a department's own store ------------------------------------------------------------------------
    "data.unreadable": Text(
        "部门数据文件无法打开或读取",
        "请检查文件是否存在、是否可读，以及 federation.toml 中的 path",
        "a department's data file cannot be opened or read",
        "check that the file exists and is readable, and the path in federation.toml",
    ),
    "data.encoding": Text(
        "数据文件不是所声明的编码",
        '请在 federation.toml 中写明 encoding = "utf-8" 或 "gb18030"',
        "the data file is not in the declared encoding",
        'set encoding = "utf-8" or "gb18030" for the table in federation.toml',
    ),
    "data.column_missing": Text(
        "声明的列 {column} 在数据中不存在",
        "请核对 federation.toml 中的列名与数据表头",
        "the declared column {column} is not in the data",
        "compare the column names in federation.toml with the header of the data",
    ),
    "data.type": Text(
        "某列含有与声明类型不符的内容",
        "请该部门查看自己的日志并更正数据或类型声明",
        "a column holds something that is not of its declared type",
        "ask the department to look at its own log and mend the data or the declared type",
    ),
    "data.too_large": Text(
        "数据超出协议的公开上限",
        "请缩小列的 bounds，或拆分数据表",
        "the data is larger than the protocol's public bound",
        "narrow the column's bounds or split the table",
    ),
    # -- settings: federation.toml and the command -------------------------------------------------------------
    "settings.adapter_unknown": Text(
        "没有名为 {adapter} 的数据适配器；已安装：{known}",
        "请更正 adapter，或安装提供它的软件包",
        "no adapter {adapter}; installed: {known}",
        "correct the adapter's name or install the package that provides it",
    ),
    "settings.adapter_settings": Text(
        "适配器 {adapter} 不认识该数据表中的某个设置",
        "请只使用该适配器说明中的设置项",
        "the adapter {adapter} does not know one of the table's settings",
        "use only the settings that the adapter documents",
    ),
    "settings.encoding": Text(
        "不支持编码 {encoding}；支持：{known}",
        "请更正该数据表的 encoding，或转换文件编码",
        "no encoding {encoding}; supported: {known}",
        "correct the table's encoding or convert the file",
    ),
    "settings.adapter_contract": Text(
        "适配器 {adapter} 不符合接口约定",
        "请实现 federation.adapters.Adapter 的全部方法",
        "the adapter {adapter} does not meet the contract",
        "implement every method of federation.adapters.Adapter",
    ),
}
