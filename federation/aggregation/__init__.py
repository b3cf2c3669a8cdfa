"""Sums of vectors that nobody but the reader whom the plan names can read: under the joint key, or under masks.

`agreement` is how any job begins, `encrypted` and `masked` are the two ways to add up; what is added up, and what the
sum means, is the business of `federation.queries` and `federation.learning`.
"""
