"""The six counties of the city, and how its citizens are divided among them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class County:
    """One county; its bureau is one department of the federation.

    Attributes:
        key: folder and department name.
        area_code: first six digits of its residents' identity numbers; not assigned in GB/T 2260,
            so that a valid number can belong to no real person.
        real_code: the code of GB/T 2260, to find the county on a map and for nothing else.
        share: part of the city's citizens who live here, 0 to 1.
    """

    key: str
    label_zh: str
    label_en: str
    area_code: int
    real_code: int
    share: float


COUNTIES = (
    County(
        key="chengqu",
        label_zh="城区",
        label_en="Chengqu",
        area_code=140591,
        real_code=140502,
        share=0.262,
    ),
    County(
        key="gaoping",
        label_zh="高平市",
        label_en="Gaoping",
        area_code=140592,
        real_code=140581,
        share=0.206,
    ),
    County(
        key="zezhou",
        label_zh="泽州县",
        label_en="Zezhou",
        area_code=140593,
        real_code=140525,
        share=0.189,
    ),
    County(
        key="yangcheng",
        label_zh="阳城县",
        label_en="Yangcheng",
        area_code=140594,
        real_code=140522,
        share=0.166,
    ),
    County(
        key="lingchuan",
        label_zh="陵川县",
        label_en="Lingchuan",
        area_code=140595,
        real_code=140524,
        share=0.091,
    ),
    County(
        key="qinshui",
        label_zh="沁水县",
        label_en="Qinshui",
        area_code=140596,
        real_code=140521,
        share=0.086,
    ),
)


def divide_citizens(citizens: int) -> dict[str, int]:
    """Divide the citizens among the counties by their shares, key -> citizens."""
    return divide(citizens, {county.key: county.share for county in COUNTIES})


def divide(count: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Divide a number into whole parts by shares that add up to 1 (largest remainder)."""
    exact = {key: share * count for key, share in shares.items()}
    whole = {key: int(part) for key, part in exact.items()}
    by_remainder = sorted(exact, key=lambda key: whole[key] - exact[key])
    for key in by_remainder[: count - sum(whole.values())]:
        whole[key] += 1
    return whole
