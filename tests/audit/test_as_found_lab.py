"""Builds as found on real engines: what they hit, and what they leave to the host's user."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cachetui.core import Core
from tests.audit.test_audit_lab import HOSTS, images, random_bytes, said
from tests.audits import audit, core_of, run_of, typed, typed_hits
from tests.lab import Lab
from tests.lab.host import Host
from tests.sample_builds import PLAIN, folder

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("others_images_go")]


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core_of(lab, tmp_path_factory.mktemp("store"))


def layers(host: Host, image: str) -> str:
    """The digests of an image's layers, uncompressed, with a space after each."""
    return said(host, "image", "inspect", "-f", "{{range .RootFS.Layers}}{{.}} {{end}}", image)


@pytest.mark.takes_turns
def test_after_buildkit_as_found_its_user_makes_the_same(
    lab: Lab, core: Core, tmp_path: Path
) -> None:
    """The user's next build hits, and makes what it made, or what the audit's build made, whose
    image is all that is new."""
    build, tag = folder(tmp_path, PLAIN), f"mine:{time.time_ns()}"
    (build / "src.txt").write_text(tag)

    def users_builds() -> dict[str, tuple[list[str], str]]:
        """What each hits, and its layers."""
        hits = {one: typed_hits(typed(lab[one], build, "buildkit", "-t", tag)) for one in HOSTS}
        return {one: (found, layers(lab[one], tag)) for one, found in hits.items()}

    users_builds()
    own = users_builds()
    made = {name: random_bytes(lab[name], tag) for name in HOSTS}
    before = {name: (images(lab[name]), said(lab[name], "ps", "-aq")) for name in HOSTS}
    try:
        for changed in (False, True):
            if changed:
                (build / "src.txt").write_text(f"changed {tag}")
            document = audit(core, build, scenarios=("buildkit-as-found",))
            for name in HOSTS:
                new = set(images(lab[name])) - set(before[name][0])
                made_now = run_of(document, name, "buildkit-as-found").image
                assert made_now is not None
                assert new <= {made_now.id}, name
                assert set(before[name][0]) <= set(images(lab[name])), name
                assert said(lab[name], "ps", "-aq") == before[name][1]
            assert {name: random_bytes(lab[name], tag) for name in HOSTS} == made
            if not changed:
                assert users_builds() == own
                before = {name: (images(lab[name]), before[name][1]) for name in HOSTS}
        for name, (hits, found) in users_builds().items():
            run = run_of(document, name, "buildkit-as-found")
            assert run.hit_ratio != 1.0
            assert run.image is not None
            assert (hits, found.split()) == (own[name][0], list(run.image.layers)), name
    finally:
        for name in HOSTS:
            lab[name].docker("rmi", tag, check=False)
