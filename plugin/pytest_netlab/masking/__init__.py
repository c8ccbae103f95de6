"""Environment values and credentials become `***` in text. Knows no engine."""

from pytest_netlab.masking.mask import HIDDEN, Mask

__all__ = ["HIDDEN", "Mask"]
