"""Pages for people: the control room, the station, the PDA.

The pages are clients of the public contract and nothing more: files that a browser loads once and that then ask the same HTTP
interface as everybody else. Nothing is drawn by the server, no page has a session in it, and what a page can do a
script can do too. A page may be hours behind and lose its network: acts carry their client's id, so one that is sent again
happens once (decision 29).

No build stands between these files and the browser. They are ES modules with JSDoc types, which `make test` checks with the
TypeScript compiler; lit-html draws them.
"""
