"""Replace values of environments, and credentials, by `***` in text.

Knows which names are secret and in which forms a value appears. Knows no engine.
"""

from pytest_netlab.masking.mask import HIDDEN, Mask

__all__ = ["HIDDEN", "Mask"]
