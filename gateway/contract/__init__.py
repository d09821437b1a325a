"""The published language: pure data that every room may speak, and nothing that does anything.

Transports, puts and events are what a WES sees (JSON, camelCase). Commands, vehicle orders and reports are what passes
between the engine and the drivers. Faults are the reasons that both carry. All values are frozen.
"""
