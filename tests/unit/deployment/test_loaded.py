"""The functions load nothing but what goes into their package."""

from __future__ import annotations

import json
import subprocess
import sys

from opalite.deployment.requirements import LIBRARIES

# By the name of what is imported, where that is not the library's.
NAMES = {
    "dateutil": "python-dateutil",
    "typing_extensions": "typing-extensions",
    "aws_lambda_powertools": "aws-lambda-powertools",
}
PROGRAM = """
import importlib, json, sys, sysconfig
before = {name.split(".")[0] for name in sys.modules}
for name in ("opalite.app", "opalite.sweep.app", "opalite.remediation.app"):
    importlib.import_module(name)
from botocore.session import get_session
get_session().create_client("s3", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
places = sysconfig.get_paths()
files = {name.split(".")[0]: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items())}
found = {name for name, file in files.items() if file.startswith(places["purelib"])}
print(json.dumps(sorted(found - before)))
"""


def test_all_that_they_load_is_in_the_package():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    loaded = {NAMES.get(name, name) for name in json.loads(done.stdout) if not name.startswith("_")}
    # certifi: botocore takes it where it is there, and has its own certificates where it is not.
    assert {"botocore"} <= loaded - {"opalite", "certifi"} <= set(LIBRARIES)
