"""How unequal contribution bases are, by age: quartiles and the Gini coefficient, which no sum over departments gives.

keyong run examples/scripts/contribution_bases.py --dataset zezhou.insured --try
keyong run examples/scripts/contribution_bases.py --dataset zezhou.insured --purpose "..." --basis "..."
"""

import pandas as pd


def gini(values: pd.Series) -> float:
    """0 if all are equal, towards 1 if one has everything."""
    ordered = values.sort_values()
    ranks = pd.Series(range(1, len(ordered) + 1), index=ordered.index)
    return float((2 * ranks - len(ordered) - 1).mul(ordered).sum() / (len(ordered) * ordered.sum()))


rows = pd.read_parquet("data/insured.parquet").dropna(subset=["age_band", "base_fen"])
bases = rows["base_fen"].astype(float).groupby(rows["age_band"])

result = pd.DataFrame(
    {
        "people": bases.size(),
        "lower_quartile_fen": bases.quantile(0.25),
        "median_fen": bases.quantile(0.5),
        "upper_quartile_fen": bases.quantile(0.75),
        "gini": bases.apply(gini),
    }
)
result.to_csv("out/result.csv")
