"""教育: students from nursery school to university."""

from jincheng.cards import Department, Rows, TableCard
from jincheng.chunks import Chunk
from jincheng.columns import FEN_A_YEAR, ID, SEX, SEXES, number, text
from jincheng.registers import STAGES
from jincheng.tables import pick


def _student(chunk: Chunk) -> Rows:
    registers = chunk.registers
    enrolled = registers.stage >= 0
    return {
        "id": chunk.residents.ids[enrolled],
        "sex": pick(SEXES, ~chunk.residents.people.male[enrolled]),
        "stage": pick(STAGES, registers.stage[enrolled]),
        "tuition_fen": 100 * registers.tuition_yuan[enrolled],
    }


STUDENT = TableCard(
    name="student",
    label_zh="学生",
    label_en="students",
    about_zh="3–22 岁在校者各一行。",
    about_en="Those of 3 to 22 who go to school.",
    id_column="id",
    rows=_student,
    columns=(
        ID,
        SEX,
        text("stage", "学段", "stage", values=STAGES),
        number("tuition_fen", "学杂费", "tuition", unit=FEN_A_YEAR, bounds=(0, 2_000_000), cuts=(100_000, 500_000)),
    ),
)

EDUCATION = Department(key="education", label_zh="教育", label_en="Education", tables=(STUDENT,))
