"""Files that others wrote, and folders that are replaced as a whole.

Knows how documents are read within bounds and declared, how a folder is swapped with no
moment in which it is half there, and whose files are that root writes for a user;
refuses to know what is in them.
"""
