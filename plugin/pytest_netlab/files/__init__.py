"""Documents that others wrote, and folders that are replaced as a whole.

Knows how to read documents within limits and check them against a declaration, how to
replace a folder so that it is never half there, and who owns what root writes for a
user; refuses to know what the files are about.
"""
