from __future__ import annotations

import pytest

from unit.adapters.aws import standings_table
from unit.adapters.aws.sending import Time


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def table(aws):
    return standings_table.created()
