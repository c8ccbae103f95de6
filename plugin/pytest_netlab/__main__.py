"""`python -m pytest_netlab`, where the script pytest-netlab is not at hand."""

from pytest_netlab.cli import main

if __name__ == "__main__":
    main(prog_name="pytest-netlab")
