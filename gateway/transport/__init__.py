"""The transport engine, free of protocols: what a WES asked for becomes legs, legs become commands, reports become events.

Pure and synchronous: every function here runs inside the kernel's loop and touches nothing but the books.
"""
