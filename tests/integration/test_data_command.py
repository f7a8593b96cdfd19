"""`opalite data check`, as CI calls it."""

from __future__ import annotations

import shutil

import orjson
import pytest

ID = "aws.s3.bucket.encryption"
AT = ("--at", "2026-11-23T00:00:00Z")
LATE = "it excuses nothing any more; remove it, or have it approved for longer"


@pytest.fixture
def settings(tmp_path):
    """Writes settings, file by file, and is their folder."""

    def write(**files: str):
        for root, text in files.items():
            path = tmp_path / "settings" / root / "data.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "settings"

    return write


def exemption(expires: str) -> str:
    return f'{{scope: {{accounts: ["111122223333"]}}, owner: platform, ticket: SEC-1, reason: bastion, expires: "{expires}"}}'


def test_the_shipped_data_is_clean(opalite):
    done = opalite("data", "check")
    assert (done.code, done.out.decode().splitlines(), done.err) == (0, ["4 files: nothing to remark"], [])


def test_all_that_there_is_to_say_is_said_at_once(opalite, settings):
    folder = settings(
        parameters=(
            f"{ID}:\n  default: {{level: al, levle: any}}\n  overrides:\n"
            '    - {accounts: ["111122223333"], set: {level: any}}\n'
            '    - {accounts: ["111122223333"], set: {level: kms}}\n'
            "aws.s3.bucket.encrypton: {}\n"
        ),
        exemptions=f"{ID}:\n  EX-1: {exemption('2026-06-30T00:00:00Z')}\n  EX-2: {exemption('2026-12-01T00:00:00Z')}\n",
        stages=f'{ID}: {{overrides: [{{organizational_units: [ou-ab12-cd34ef5], set: {{stage: "off"}}}}]}}\n{ID}: {{}}\n',
    )
    done = opalite("data", "check", folder, *AT)
    keys = "did you mean level? there are allowed_accounts, allowed_keys, level, require_bucket_key"
    wanted = (
        "wanted: any: some encryption; kms: a KMS key; named_key: a KMS key that the resource names; "
        "customer_managed: a KMS key that AWS does not manage"
    )
    known = "['any', 'kms', 'named_key', 'customer_managed']"
    meant = f"did you mean {ID}? `opalite policies list` shows them"
    beaten = "never wins: of entries for the same accounts, units and Regions the last one wins, overrides[1]; remove one of them"
    ends = (
        "expires on 2026-12-01T00:00:00Z, in 8 days; repair what it excuses until then, or have it approved for longer"
    )
    parameters, exemptions = f"{folder}/parameters/data.yaml: parameters", f"{folder}/exemptions/data.yaml: exemptions"
    assert done.out.decode().splitlines() == [
        f"error    {parameters}.{ID}.default: Additional properties are not allowed ('levle' was unexpected); {keys}",
        f"error    {parameters}.{ID}.default.level: 'al' is not one of {known}; {wanted}",
        f"error    {parameters}.aws.s3.bucket.encrypton: there is no such policy; {meant}",
        f"error    {folder}/stages/data.yaml: line 2: the key '{ID}' is given twice",
        f"warning  {exemptions}.{ID}.EX-1.expires: expired on 2026-06-30T00:00:00Z: {LATE}",
        f"warning  {parameters}.{ID}.overrides[0]: {beaten}",
        f"notice   {exemptions}.{ID}.EX-2.expires: {ends}",
        "3 files: 4 errors, 2 warnings, 1 notice",
    ]
    assert (done.code, done.err) == (2, [])


def test_warnings_exit_with_one_and_notices_with_nought(opalite, settings):
    folder = settings(exemptions=f"{ID}: {{EX-1: {exemption('2026-12-01T00:00:00Z')}}}\n")
    done = opalite("data", "check", folder, *AT, "--soon", "7")
    assert (done.code, done.out) == (0, b"1 file: nothing to remark\n")
    assert opalite("data", "check", folder, *AT).code == 0
    assert opalite("data", "check", folder, "--at", "2026-12-01T00:00:00Z").code == 1
    assert opalite("data", "check", folder, "--at", "yesterday").code == 2


def test_remarks_as_json(opalite, settings):
    folder = settings(exemptions=f"{ID}: {{EX-1: {exemption('2026-06-30T00:00:00Z')}}}\n")
    done = opalite("data", "check", folder, *AT, "--format", "json")
    assert done.code == 1
    assert orjson.loads(done.out) == {
        "remarks": [
            {
                "level": "warning",
                "name": "expired",
                "file": f"{folder}/exemptions/data.yaml",
                "place": f"exemptions.{ID}.EX-1.expires",
                "what": "expired on 2026-06-30T00:00:00Z: it excuses nothing any more",
                "remedy": "remove it, or have it approved for longer",
            }
        ],
        "summary": {"files": 1, "error": 0, "warning": 1, "notice": 0},
    }


def test_exemptions_that_excused_nothing_in_the_decisions_given(opalite, repository, tmp_path):
    decisions, more = tmp_path / "decisions.jsonl", tmp_path / "more.yaml"
    samples = repository / "samples"
    opalite(
        "evaluate", samples / "organization", "--data", samples / "settings", "--facts", samples / "facts.yaml",
        "--format", "jsonl", "--output", decisions,
    )  # fmt: skip
    more.write_text(f"exemptions: {{{ID}: {{EX-2026-999: {exemption('2027-06-30T00:00:00Z')}}}}}\n")
    done = opalite("data", "check", samples / "settings", more, *AT, "--evaluated", decisions, "--format", "json")
    assert [(remark["name"], remark["place"]) for remark in orjson.loads(done.out)["remarks"]] == [
        ("expired", "exemptions.aws.ec2.securitygroup.restricted_ingress.EX-2025-093.expires"),
        ("unused", f"exemptions.{ID}.EX-2026-999"),
    ]
    assert done.code == 1


@pytest.mark.parametrize("line", ["{", "[]", '{"outcome": "exempt", "policy_id": "x", "exemption": null}', "{}"])
def test_what_holds_no_decisions_is_misuse(opalite, tmp_path, line):
    path = tmp_path / "decisions.jsonl"
    path.write_text(f'{{"outcome": "pass"}}\n\n{line}\n')
    done = opalite("data", "check", "--evaluated", path)
    wanted = "is no decision; wanted is what `opalite evaluate --format jsonl` prints"
    assert (done.code, done.out, done.err) == (2, b"", [f"opalite: --evaluated {path}:3: {wanted}"])
    missing = opalite("data", "check", "--evaluated", tmp_path / "none")
    assert missing.err == [f"opalite: --evaluated {tmp_path / 'none'}: cannot be read: No such file or directory"]


def test_settings_of_a_bundle_are_checked_with_its_policies(opalite, repository, tmp_path):
    own = shutil.copytree(repository / "samples" / "custom", tmp_path / "own")
    (own / "stages").mkdir()
    (own / "stages" / "data.json").write_text('{"custom.ec2.instance.patch_grup": {}, "aws.s3.bucket.encryption": {}}')
    expected = (
        f"error    {own}/stages/data.json: stages.custom.ec2.instance.patch_grup: there is no such policy; "
        "did you mean custom.ec2.instance.patch_group? `opalite policies list` shows them"
    )
    done = opalite("data", "check", "--bundle", own)
    assert (done.code, done.out.decode().splitlines()) == (2, [expected, "5 files: 1 error"])
    archive = shutil.make_archive(str(tmp_path / "own"), "gztar", own)
    told = opalite("data", "check", "--bundle", archive).out.decode().splitlines()
    assert told == [expected.replace(f"{own}/stages/data.json", archive), "5 files: 1 error"]


def test_units_are_held_against_those_of_all_settings(opalite, settings, tmp_path):
    folder = settings(
        stages=f'{ID}: {{overrides: [{{organizational_units: [ou-ab12-cd34ef56], set: {{stage: "off"}}}}]}}'
    )
    over = tmp_path / "over.yaml"
    over.write_text(
        f"parameters: {{{ID}: {{overrides: [{{organizational_units: [ou-ab12-cd34ef65], set: {{level: any}}}}]}}}}"
    )
    done = opalite("data", "check", folder, over)
    what = "ou-ab12-cd34ef65 matches nothing if it is a misspelt ou-ab12-cd34ef56, which is named once"
    place = f"parameters.{ID}.overrides[0].organizational_units[0]"
    lines = [
        f"warning  {over}: {place}: {what}; correct it, or else look which of the two there is",
        "2 files: 1 warning",
    ]
    assert (done.code, done.out.decode().splitlines()) == (1, lines)


def test_what_a_run_refuses_as_a_whole_is_an_error(opalite, settings, tmp_path):
    """One error is told by both, whatever it is, so that a clean check means a run that begins."""
    folder = settings(stages=f"{ID}: {{}}\n")
    (folder / "stages" / "data.json").write_text(f'{{"{ID}": {{}}}}')
    done = opalite("data", "check", folder)
    what = f"{folder}/stages/data.yaml: '{ID}' is given by another file of the bundle already"
    assert done.out.decode().splitlines()[0] == f"error    {folder}: {what}"
    assert opalite("evaluate", "x", "--data", folder).err == [f"opalite: {what}"]
    (tmp_path / "empty").mkdir()
    done = opalite("data", "check", tmp_path / "empty")
    assert done.out.decode().splitlines()[0] == (
        f"error    {tmp_path / 'empty'}: holds no settings; expected data.yaml in parameters/, exemptions/, stages/ or remediation/"
    )
    done = opalite("data", "check", tmp_path / "none.yaml")
    assert (
        done.out.decode().splitlines()[0]
        == f"error    {tmp_path / 'none.yaml'}: cannot be read: No such file or directory"
    )


def test_what_is_no_object_is_told_once(opalite, settings, tmp_path):
    folder = settings(stages="- x\n", parameters="{")
    path = tmp_path / "list.yaml"
    path.write_text("- x\n")
    done = opalite("data", "check", folder, path)
    assert done.code == 2
    assert done.out.decode().splitlines() == [
        f"error    {folder}/parameters/data.yaml: line 2: is not YAML: did not find expected node content",
        f"error    {folder}/stages/data.yaml: must be an object",
        f"error    {path}: must be an object with any of parameters, exemptions, stages, remediation",
        "3 files: 3 errors",
    ]


def test_files_beside_the_settings_are_left_alone(opalite, repository, settings):
    """A copy of data/ has a catalog, and editors leave hidden files."""
    folder = settings(parameters=f"{ID}: {{default: {{level: any}}}}", catalog="policies: {}", hidden="x: 1")
    (folder / "hidden").rename(folder / ".hidden")
    (folder / "parameters" / "data.bak").write_text("- broken")
    (folder / "exemptions").mkdir()
    (folder / "exemptions" / "data.yaml").write_text("")
    done = opalite("data", "check", folder)
    assert (done.code, done.out) == (0, b"2 files: nothing to remark\n")
    folder = settings(parameter="x: {}")
    assert opalite("data", "check", folder).out.decode().splitlines()[0] == (
        f"error    {folder}/parameter/data.yaml: parameter: not a kind of setting; there are parameters, exemptions, stages, remediation"
    )
