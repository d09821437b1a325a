"""Fleets: which vehicle serves, which way it takes, and who may drive where.

A vehicle gets one VDA 5050 order a command. Its *base* (the nodes from the one it stands on to the end of what is released) is
its alone: nobody else gets a node of it before the vehicle itself shows that it has passed. Holding both ends of an edge is holding
the edge, so an edge and its reverse are one resource. What a vehicle shall do after its order is part of its *course* too: it
ends at its home, a parking node that is nobody else's. Nodes are released under the banker's rule over these courses: a node is
given only if afterwards everybody who could get home still can, so vehicles never lock each other up, wherever they stop.
What a vehicle forgets, refuses or does not do any more changes no course: it keeps its base and the way ahead until the rule
allows it less, so nothing but people who move a vehicle by hand, or another gateway, can break the rule.

Pure and synchronous: every function here runs inside the kernel's loop and touches nothing but the books.
"""
