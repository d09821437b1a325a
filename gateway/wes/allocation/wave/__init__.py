"""Wave selection: the orders and totes with the most units per tote, and a proof of how much better a wave could be.

For a fixed set of totes the best orders are a packing that is easy in practice; the hard part is the set. So the search walks
over sets of totes of one size (`search`), integer programs re-decide a part of the best set (`improvement`), and prices of
goods give for every number of totes at once an upper bound on its units, added up in whole numbers (`bound`, `pairs`). `solve` runs
all of it at once until nothing is open or time is up; `check` believes none of them.
"""
