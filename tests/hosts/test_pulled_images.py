"""Which images of a host were made elsewhere on a base image, from what docker prints."""

from __future__ import annotations

from cachetui.hosts.image_chains import ImageLine, parentless, parse_pulled
from cachetui.records.digest import ValueHasher
from cachetui.records.host import MAX_PULLED

HASHER = ValueHasher(b"the secret of a store")


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


BASE, APP, CHILD, OTHER = (digest(letter) for letter in "1234")


def lines(*images: tuple[str, str]) -> dict[str, ImageLine]:
    return {
        identity: ImageLine(identity, parent, f"2026-11-{day:02}")
        for day, (identity, parent) in enumerate(images, 1)
    }


def test_alone_are_those_without_parent_and_child() -> None:
    images = lines((BASE, ""), (OTHER, ""), (CHILD, BASE), (APP, ""))
    assert parentless(images, [BASE]) == [APP, OTHER]
    assert parentless(images, []) == [APP, OTHER], "the base has a child"
    many = lines(*((digest("abc"[n % 3])[:-2] + f"{n:02}", "") for n in range(30)))
    assert len(parentless(many, [])) == MAX_PULLED


def told(identity: str, tags: str, layers: str, *history: str) -> str:
    """The newest line of history first, as docker has it; one can be empty."""
    return "".join(f"{line}\n" for line in (f"image {identity}", f"{tags}|{layers}", *history))


def test_layers_and_history_of_the_base_are_below() -> None:
    base = told(BASE, "base:1", "a b", '/bin/sh -c #(nop)  CMD ["sh"]', "")
    own = ("/bin/sh -c make", '/bin/sh -c #(nop)  CMD ["sh"]', "")
    images = lines((BASE, ""), (APP, ""))
    (chain,) = parse_pulled(base + told(APP, "app:7 app:8", "a b c", *own), [BASE], images, HASHER)
    assert (chain.base, chain.image, chain.name) == (BASE, APP, "app:7")
    assert len(chain.made_by) == 1
    assert chain.made_by[0].startswith("RUN ")
    assert "make" not in chain.made_by[0]
    for layers, history in (
        ("x b c", own),
        ("a b c", own[1:]),
        ("a b c", (own[0], "/bin/sh -c #(nop)  CMD []", "")),
        ("a b c", ("RUN /bin/sh -c make # buildkit", *own[1:])),
    ):
        assert parse_pulled(base + told(APP, "", layers, *history), [BASE], images, HASHER) == ()


def test_an_image_that_went_away_meanwhile_or_a_base_that_did_is_passed_over() -> None:
    base = told(BASE, "base:1", "a", "")
    images = lines((BASE, ""), (APP, ""))
    assert parse_pulled(f"{base}image {APP}\n", [BASE], images, HASHER) == ()
    app = told(APP, "", "a b", "x", "")
    assert parse_pulled(f"image {BASE}\n{app}", [BASE], images, HASHER) == ()
    assert parse_pulled(app, [BASE], images, HASHER) == ()
    assert parse_pulled("", [BASE], images, HASHER) == ()
