"""Labs: real or simulated hosts that scenarios run on. `protocol` is their interface.

Knows namespaces, engines and captures; refuses to know scenarios, goldens and verdicts.
"""
