"""How a NAT translated each flow, and which packets were lost: text, JSON and CSV.

Knows values of `nat`, with rows that count in the captures a user named; refuses to
know how they were found.
"""

from pytest_netlab.report.translations.as_csv import to_csv
from pytest_netlab.report.translations.as_json import to_json
from pytest_netlab.report.translations.tables import summary, to_table

__all__ = ["summary", "to_csv", "to_json", "to_table"]
