"""The pytest plugin: hooks, options, the marker, what pytest collects and shows.

Knows pytest's sessions, items and reports; refuses to know how a scenario is judged and
what a lab is made of.
"""
