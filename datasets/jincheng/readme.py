"""The data cards of datasets/README.md, written from the cards of the code: `python -m jincheng.readme`."""

from pathlib import Path

from jincheng.cards import ColumnCard, Department, TableCard
from jincheng.departments import BUREAUS, DEPARTMENTS, HOSPITALS

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- 数据卡由 python -m jincheng.readme 生成 · the data cards are written by python -m jincheng.readme -->\n"


def write_cards() -> str:
    """Write the cards of every department's tables in Markdown."""
    lines = ["", "| 部门 department | 中文 | English | 表 tables |", "|---|---|---|---|"]
    lines += [_department_line(department) for department in (*DEPARTMENTS, *HOSPITALS, *BUREAUS)]
    for department in (*DEPARTMENTS, HOSPITALS[0], BUREAUS[0]):
        lines += ["", f"### {_title(department)}"]
        for table in department.tables:
            lines += _table_lines(table)
    return "\n".join([*lines, ""])


def _title(department: Department) -> str:
    if department in HOSPITALS:
        return "六家县级医院，表相同 · six county hospitals, the same table"
    if department in BUREAUS:
        return "六个县级分局，表相同 · six county bureaus, the same tables"
    return f"{department.label_zh} · {department.label_en} (`{department.key}`)"


def _department_line(department: Department) -> str:
    tables = ", ".join(f"`{table.name}`" for table in department.tables)
    return f"| `{department.key}` | {department.label_zh} | {department.label_en} | {tables} |"


def _table_lines(table: TableCard) -> list[str]:
    return [
        "",
        f"#### `{table.name}` {table.label_zh} · {table.label_en}",
        "",
        f"合成数据。{table.about_zh}真实覆盖率 {table.coverage:.0%}。  ",
        f"Synthetic data. {table.about_en} Real coverage {table.coverage:.0%}.",
        "",
        "| 列 column | 中文 | English | 类型、单位 type, unit | 取值 values | 分界点 cuts | 用途 uses |",
        "|---|---|---|---|---|---|---|",
        *(_column_line(column) for column in table.columns),
    ]


def _column_line(column: ColumnCard) -> str:
    kind = f"{column.type}, {column.unit}" if column.unit else column.type
    values = "、".join(column.values or ())
    if column.bounds is not None:
        values = f"{column.bounds[0]:,} … {column.bounds[1]:,}"
    if column.nullable:
        values += "; 空 null"
    cuts = "、".join(f"{cut:,}" for cut in column.cuts or ())
    uses = ", ".join(column.uses) + (" (标签 target)" if column.target else "")
    cells = (f"`{column.name}`", column.label_zh, column.label_en, kind, values, cuts, uses)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    before, _, _ = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(before + BEGIN + write_cards(), encoding="utf-8")
