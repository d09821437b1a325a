"""Faces: how simulated devices look on a wire. A *space* is the face in memory; a *server* puts it on a socket."""
