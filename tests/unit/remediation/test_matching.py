from __future__ import annotations

import pytest

from opalite.remediation.matching import matches


@pytest.mark.parametrize(
    ("pattern", "name", "is_meant"),
    [
        ("*", "s3:GetObject", True),
        ("s3:*", "s3:GetObject", True),
        ("S3:getobject", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:GetObjec?", "s3:GetObject", True),
        ("s3:Get*Version", "s3:GetObject", False),
        ("s3:GetObject", "s3:GetObjectVersion", False),
        ("s3:Get[O]bject", "s3:GetObject", False),
        ("s3.GetObject", "s3:GetObject", False),
        ("", "s3:GetObject", False),
    ],
)
def test_wildcards_are_those_of_iam(pattern, name, is_meant):
    assert matches(pattern, name) is is_meant
