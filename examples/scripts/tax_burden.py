"""Income tax by band of income: how many people, what the middle one pays, and what share of the tax each band carries.

keyong run examples/scripts/tax_burden.py --dataset tax.pit --try
keyong run examples/scripts/tax_burden.py --dataset tax.pit --purpose "..." --basis "..."
"""

from itertools import pairwise

import pandas as pd

rows = pd.read_parquet("data/pit.parquet")

# The public cut points of the catalogue; a key of the result is one of its bands, written as the catalogue does.
cuts = [6_000_000, 10_000_000, 15_000_000]
labels = [f"< {cuts[0]}", *(f"[{low}, {high})" for low, high in pairwise(cuts)), f">= {cuts[-1]}"]
edges = [float("-inf"), *cuts, float("inf")]
band = pd.cut(rows["pit_income_fen"].astype(float), edges, right=False, labels=labels)

tax = rows["pit_tax_fen"].astype(float).groupby(band, observed=True)
result = tax.agg(people="size", median_tax_fen="median")
result["share_of_tax"] = tax.sum() / tax.sum().sum()

result.to_csv("out/result.csv")
