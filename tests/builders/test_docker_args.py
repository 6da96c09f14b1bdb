"""What is passed on of the user's own options: read as docker reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.builders.docker_args import (
    options,
    refused_argument,
    refused_context,
    with_named_parts,
)
from cachetui.config.settings import BuildSettings

REFUSED = {
    # The user's names would move from what they built to what is built here.
    "-t app": "names its images",
    "-tapp": "names its images",
    "-t=app": "names its images",
    "--tag=app": "names its images",
    "--push": "names its images",
    "-o out": "names its images",
    "--output type=local,dest=out": "names its images",
    # Letters in one word.
    "-Dtuser/image:prod": "reads what docker prints",
    "-qtuser/image:prod": "reads what docker prints",
    "-Do/path": "reads what docker prints",
    "-hotuser/image": "does not build",
    "-m1g -tapp": "names its images",
    "-q=false": "reads what docker prints",
    # What docker would take for a value of the option before it, or for the context.
    "--no-cache -tapp": "names its images",
    "--pull app": "not an option",
    "--no-cache false": "not an option",
    "--label a=b /etc": "not an option",
    "--label a=b -": "not an option",
    "--label a=b -- -t app": "ends the options",
    # Values.
    "--rm=false": "containers",
    "--rm=0": "containers",
    "--no-cache=no": "neither true nor false",
    "--label": "needs a value",
    "-m": "needs a value",
    # Files on the host, caches that others read.
    "--iidfile id": "writes a file",
    "--metadata-file=m": "writes a file",
    "--cache-to type=local,dest=/srv": "writes a cache",
    "--cache-to=user/app:cache": "writes a cache",
    # What would not be the same on each host.
    "--secret id=a,src=./a": "absolute path",
    "--secret=id=a,source=a": "absolute path",
    "--secret type=file,id=a,src=~/a": "absolute path",
    "--ssh k=keys/id": "absolute path",
    "--ssh k=/keys/a,b": "absolute path",
    "--secret id=a": "the variable or the file of that name",
    "--secret id=a,type=env": "the variable or the file of that name",
    # What no host could build with.
    "--secret src=/a": "needs id=NAME",
    "--secret a": "a secret has no a;",
    "--secret id=a,src=/a,type=vault": "of type file or env",
    "--cache-from ref=r": "needs type=",
    "--cache-from type=local,src=cache": "absolute path",
    "--add-host db": "NAME:IP",
    "--add-host :10.0.0.1": "NAME:IP",
    "--add-host db:10.0.0": "not an IP address",
    "--shm-size much": "not a size",
    "-m1x": "not a size",
    "--cpu-quota many": "not a whole number",
    "--ulimit nofile": "NAME=SOFT",
    "--ulimit files=1": "files is not a limit",
    "--ulimit nofile=9:8": "above the hard one",
    "--platform x87": "not a platform",
    "--platform linux/arm/v7/x": "not a platform",
    "--label =a": "no name",
    "--annotation a": "NAME=VALUE",
    "--build-context a": "NAME=VALUE",
    "--allow all": "is not network.host",
    # What keeps our results apart.
    "--add-host=r1-a.x.cachetui.invalid:127.0.0.1": "apart",
    # What the audit does itself.
    "-f Dockerfile.dev": "dockerfile =",
    "--target prod": "target =",
    "--progress=tty": "prints",
    "--builder b": "of the host or the build in hosts.toml",
    "--call=outline": "does not build",
    "--check": "does not build",
    "--help": "does not build",
    # What nobody knows.
    "--tagg app": "cachetui knows",
    "-x": "needs a value",
    "-xy": "cachetui knows",
    "---tag=app": "cachetui knows",
    "--=app": "cachetui knows",
}


@pytest.mark.fault("docker-args")
@pytest.mark.parametrize("line", REFUSED)
def test_what_would_spoil_an_audit_or_a_host_is_refused(line: str) -> None:
    refused = refused_argument(["--shm-size=1g", *line.split()])
    assert refused is not None
    words, reason = refused
    assert REFUSED[line] in reason
    assert words in line


@pytest.mark.parametrize(
    "line",
    [
        "--label a=-t",
        "--label -tapp",  # pflag takes the next word, whatever it is
        "--shm-size 1g --ulimit nofile=9 --add-host a:1.2.3.4",
        "-m 1g -c5 -m=2g",
        "--no-cache --pull=true --force-rm=false --rm",
        "--cache-from type=local,src=/srv --cache-to type=inline",
        "--secret id=a,env=A --secret id=a,type=env,src=A --ssh k=/a,/b",
        "--add-host cachetui.invalid.x:1.2.3.4",
        "--secret id=a,src=/s --ssh default --platform linux/arm64",
        "--build-arg -t --no-cache-filter a,b",
        "--ulimit nofile=-1 --ulimit nofile=1:-1 --shm-size 1.5Gb -m 512m --memory-swap -1",
        "--platform linux/arm/v7,arm64 --platform= --platform local --cache-from user/app:1",
        "--add-host a=1.2.3.4 --add-host a:[::1] --add-host a:fe80::1 --add-host a:host-gateway",
        "--label a --label a= --annotation index:a=b --allow network.host --cpu-shares 0x10",
        "--provenance false --sbom=true --attest type=sbom",
    ],
)
def test_what_changes_the_build_alone_is_passed_on(line: str) -> None:
    assert refused_argument(line.split()) is None


def test_options_have_their_long_names_and_their_values() -> None:
    args = ["-m1g", "--no-cache", "--label", "--pull", "-c", "5", "--pull=0", "--label=b=c"]
    assert [(option.name, option.value) for option in options(args)] == [
        ("memory", "1g"),
        ("no-cache", "true"),
        ("label", "--pull"),
        ("cpu-shares", "5"),
        ("pull", "0"),
        ("label", "b=c"),
    ]
    assert [word for option in options(args) for word in option.words] == args


@pytest.mark.parametrize(
    "line",
    [
        "--cache-from type=s3,region=eu,bucket=b,access_key_id=hunter2,secret_access_key=x",
        "--cache-from=type=s3,bucket=b,SECRET_ACCESS_KEY=hunter2",
        "--cache-from type=s3,bucket=b,session_token=hunter2",
        "--cache-from type=azblob,name=n,secret_access_key=hunter2",
        "--cache-from type=gha,token=hunter2",
        '--cache-from type=gha,"token=hunter2"',
        '--cache-from type=gha,"token=hunter2',
        '--cache-from type=gha,token="hunter2"',
        '--cache-from "type=gha,token=hunter2',
        '--cache-from type="gha,token=hunter2"',
        "--cache-from type=gha\n,token=hunter2",
        "--cache-to type=s3,secret_access_key=hunter2",
        "--build-context a=https://me:hunter2@git.example.com/a.git",
        "--build-context=a=HTTPS://hunter2@git.example.com/a.git#main",
    ],
)
def test_a_credential_is_refused_and_not_repeated(line: str) -> None:
    refused = refused_argument(line.split(" "))
    assert refused is not None
    assert "credential" in refused[1] or "password" in refused[1]
    assert "hunter2" not in " ".join(refused)


@pytest.mark.parametrize(
    "line",
    [
        "--cache-from type=registry,ref=registry.example.com/a@sha256:aa",
        "--cache-from type=s3,region=eu,bucket=token",
        "--cache-from type=gha,token=",
        "--build-context a=https://git.example.com/a.git#v1@x",
        "--label source=https://me@git.example.com/a.git",
    ],
)
def test_what_looks_like_a_credential_and_is_none(line: str) -> None:
    assert refused_argument(line.split()) is None


@pytest.mark.parametrize(
    ("args", "folders", "kept"),
    [
        (("--build-context", "data=../data"), {"data": "/src/app/../data"}, ()),
        (("--build-context=data=/srv/data",), {"data": "/srv/data"}, ()),
        (
            ("--build-context=a=docker-image://x", "--pull", "--build-context", "b=."),
            {"b": "/src/app"},
            ("--build-context=a=docker-image://x", "--pull"),
        ),
        (("--build-context=a=1", "--build-context=a=2"), {"a": "/src/app/2"}, ()),
        (("--build-context", "a=https://example.com/x.git"), {}, None),
        (("--build-context=a=target:other",), {}, None),
        (("--build-context=a=git@example.com:x.git",), {}, None),
        (("--label", "--build-context"), {}, None),
        (("--label", "--build-context", "--label=a=/srv"), {}, None),
    ],
)
def test_a_named_context_that_is_a_folder_is_sent(
    args: tuple[str, ...], folders: dict[str, str], kept: tuple[str, ...] | None
) -> None:
    build = BuildSettings(name="b", context=Path("/src/app"), docker_args=args)
    taken = with_named_parts(build)
    assert {name: str(path) for name, path in taken.named_contexts.items()} == folders
    assert taken.docker_args == (args if kept is None else kept)
    assert refused_context(args, ()) is None


@pytest.mark.parametrize(
    ("args", "words", "reason"),
    [
        (
            ("--build-context=l=oci-layout:///srv/l",),
            "--build-context=l=oci-layout:///srv/l",
            "OCI",
        ),
        (("--build-context", "Data=."), "--build-context Data=.", "lower-case"),
        (("--build-context", "base:1=."), "--build-context base:1=.", "lower-case"),
        (("--build-context", "../x=."), "--build-context ../x=.", "lower-case"),
        (("--pull", "--build-context", "deps=."), "--build-context deps=.", "the stage deps"),
    ],
)
def test_a_named_context_that_is_not_taken_over_is_refused(
    args: tuple[str, ...], words: str, reason: str
) -> None:
    refused = refused_context(args, {"deps"})
    assert refused is not None
    assert refused[0] == words
    assert reason in refused[1]
