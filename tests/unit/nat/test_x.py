from tests.traffic import C1


def test_x() -> None:
    assert C1
