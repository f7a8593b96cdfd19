"""The deployed functions, as Lambda would run them: by the true runtime client and the true extension."""

from __future__ import annotations

import io
import os
import shutil
import sys
import urllib.request
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from emulation.aws import LocalAws
from emulation.lambda_environment import LocalLambda

_PATIENCE = 120.0  # of an invocation; what the template says is longer than anybody would wait


def environ(aws: LocalAws, url: str, account: str, role: str, session: str) -> dict[str, str]:
    """What leads boto3 to that endpoint, with a session of the role."""
    keys = aws.credentials.session(account, role, session)
    return {
        **{key.upper(): value for key, value in keys.items()},
        "AWS_ENDPOINT_URL": url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def function(client: Any, name: str, folder: Path, environ: Callable[[str, str], dict[str, str]]) -> LocalLambda:
    """From what Lambda has been given: package, layer, handler, variables, role, memory. Only /opt and /tmp lie elsewhere."""
    deployed = client.get_function(FunctionName=name)
    configured = deployed["Configuration"]
    (layer,) = configured["Layers"]
    task = folder / configured["CodeSha256"].replace("/", "-")
    opt = folder / layer["Arn"].replace(":", "-")
    if not task.exists():
        _unpacked(deployed["Code"]["Location"], task)
        _for_this_python(task)
    if not opt.exists():
        _unpacked(client.get_layer_version_by_arn(Arn=layer["Arn"])["Content"]["Location"], opt)
    return LocalLambda(
        configured["Handler"],
        task_root=task,
        extensions=sorted((opt / "extensions").iterdir()),
        env={
            **environ(configured["Role"].rpartition("/")[2], name),
            **configured["Environment"]["Variables"],
            "OPALITE_LAYER": str(opt / "opalite"),
            "OPALITE_OPA_SOCKET": "{tmp}/opalite/opa.sock",
        },
        timeout=min(configured["Timeout"], _PATIENCE),
        init_timeout=30,
        arn=configured["FunctionArn"],
        memory_mb=configured["MemorySize"],
    )


def _unpacked(url: str, folder: Path) -> None:
    """As Lambda unpacks it, with the permissions of the files."""
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - MiniStack's own, on the loopback
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    for one in archive.infolist():
        path = Path(archive.extract(one, folder))
        path.chmod(one.external_attr >> 16 & 0o777)


def _for_this_python(task: Path) -> None:
    """Of compiled libraries the package has those for the function's Python; where another one runs here, its own of that name."""
    suffix = f".cpython-{sys.version_info.major}{sys.version_info.minor}-"
    for library in {path.parent for path in task.rglob("*.cpython-*.so") if suffix not in path.name}:
        own = find_spec(library.name)
        assert own is not None
        assert own.origin is not None
        shutil.rmtree(library)
        shutil.copytree(Path(own.origin).parent, library)
