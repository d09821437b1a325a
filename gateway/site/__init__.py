"""The site file: one YAML tree that describes links, devices, locations, road map and stations.

`load` reads and types it, `checks` cross-checks it, `wiring` renders it for drivers, `ports` moves its links.
Nothing here knows a driver: a site can be checked on a desk where no equipment is.
"""
