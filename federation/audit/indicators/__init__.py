"""Indicators: figures worked out from a record, each with the clause it offers evidence for and what it does not prove.

`gather.figures` reads a home and computes them all; `compute.compute` is the pure rule. Nothing here says that a system
complies with anything: that is found on a deployed system, by licensed bodies. What is not built, or was not measured,
is listed as such.
"""
