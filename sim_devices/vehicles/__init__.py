"""Simulated vehicles that obey VDA 5050 2.1.0, read from the document and from nothing of ours.

`messages` reads what the master control sends, `orders` judges and keeps the way, `actions` their states,
`body`, `drive` and `battery` are physics and `chassis` puts them on the road map, where `traffic` notes
collisions; `cargo` touches the world, `condition` is what ails the vehicle, `instant` what it does at once.
`vehicle` puts them together without a wire: everything happens in `advance(now)`, at its exact moment of
simulated motion. `reports` writes what the vehicle tells; `line` speaks it over a broker.
"""
