"""The bundled WES core: orders, stock, waves, allocation, stations, and the answers upstream.

A client of the gateway's public contract like any other WES. Its truth is a database of its own behind the port `Store`;
every act is one job: documents, stock, ledger and outgoing messages in one commit (docs/decisions/0011).

Its rooms, each of which knows only those after it: `upstream` (what is asked and told beside orders), `floor` (what people
do), `planning` (which container goes where for whom), `orders` (the documents), `stock` and `allocation`.
"""
