"""Pytest's side: hooks, options, the marker, what pytest shows and collects of ours.

Knows pytest's sessions, items and reports; refuses to know how a scenario is judged and
what a lab is made of.
"""
