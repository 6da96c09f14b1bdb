"""Pairs of writings of COPY and ADD."""

from __future__ import annotations

from tests.findings.writing import Writing

COPY_WRITINGS: dict[str, Writing] = {
    "copy-h": Writing("COPY <<EOF /f\n@\nEOF", "COPY <<E2 /f\n@\nE2", None, False),
    "copy-hq": Writing("COPY <<EOF /f\n@\nEOF", "COPY <<'EOF' /f\n@\nEOF", None),
    "copy-hdash": Writing("COPY <<EOF /f\n@\nEOF", "COPY <<-EOF /f\n\t@\n\tEOF", None),
    "copy-hdqs": Writing("COPY <<EOF /f\n@\nEOF", 'COPY <<"EOF" /f\n@\nEOF', None),
    "copy-link-false": Writing("COPY a.txt /@", "COPY --link=false a.txt /@", None),
    "copy-chmod": Writing("COPY --chmod=644 a.txt /@", "COPY --chmod=0644 a.txt /@", None),
    "copy-chmod-own": Writing("COPY a.txt /@", "COPY --chmod=644 a.txt /@", None, False),
    "copy-flags": Writing(
        "COPY --chown=0:0 --chmod=644 a.txt /@", "COPY --chmod=644 --chown=0:0 a.txt /@", None
    ),
    "copy-dot": Writing("COPY a.txt /@", "COPY ./a.txt /@"),
    "copy-abs": Writing("COPY a.txt /@", "COPY /a.txt /@"),
    "copy-json": Writing("COPY a.txt /@", 'COPY ["a.txt","/@"]'),
    "copy-case": Writing("COPY a.txt /@", "copy a.txt /@"),
    "copy-white": Writing("COPY a.txt /@", "COPY   a.txt    /@  "),
    "copy-cont": Writing("COPY a.txt /@", "COPY a.txt \\\n  /@"),
    "copy-dq": Writing("COPY a.txt /@", 'COPY "a.txt" "/@"'),
    "copy-destslash": Writing("COPY a.txt /@", "COPY a.txt /@/", False, False),
    "copy-destrel": Writing("COPY a.txt /w/@/x", "COPY a.txt x", False),
    "copy-destdot": Writing("COPY a.txt /w/@/", "COPY a.txt .", False),
    "copy-destdot2": Writing("COPY a.txt ./", "COPY a.txt .", False),
    "copy-destclean": Writing("COPY a.txt /@/x", "COPY a.txt /@/y/../x", False),
    "copy-destdslash": Writing("COPY a.txt /@/x", "COPY a.txt //@/x", False),
    "copy-name": Writing("COPY a.txt /@/", "COPY a.txt /@/a.txt", False, False),
    "copy-dirslash": Writing("COPY d /@", "COPY d/ /@"),
    "copy-dirdot": Writing("COPY d /@", "COPY d/. /@"),
    "copy-dirdest": Writing("COPY d /@", "COPY d /@/", False, False),
    "copy-dirup": Writing("COPY d /@", "COPY e/../d /@"),
    "copy-wild": Writing("COPY a.txt b.txt /@/", "COPY [ab].txt /@/", True, False),
    "copy-wild1": Writing("COPY a.txt /@/", "COPY a* /@/", True, False),
    "copy-order": Writing("COPY a.txt b.txt /@/", "COPY b.txt a.txt /@/", False, False),
    "copy-split": Writing("COPY a.txt b.txt /@/", "COPY a.txt /@/\nCOPY b.txt /@/", False, False),
    "copy-add": Writing("COPY a.txt /@", "ADD a.txt /@", False, False),
    "copy-other": Writing("COPY a.txt /@", "COPY c.txt /@", False, False),
    "copy-var": Writing("ENV F=a.txt\nCOPY a.txt /@", "ENV F=a.txt\nCOPY $F /@"),
    "copy-brace": Writing("ENV F=a.txt\nCOPY ${F} /@", "ENV F=a.txt\nCOPY $F /@"),
    "copy-chown0": Writing("COPY a.txt /@", "COPY --chown=0:0 a.txt /@", False, False),
    "copy-chownroot": Writing("COPY --chown=0:0 a.txt /@", "COPY --chown=0 a.txt /@", False, False),
    "copy-all": Writing("COPY . /@", "COPY ./ /@"),
    "copy-all2": Writing("COPY . /@", "COPY / /@"),
    "copy-all3": Writing("COPY . /@/", "COPY . /@", False, False),
    "copy-dup": Writing("COPY a.txt /@/", "COPY a.txt a.txt /@/", False, False),
    "add-dot": Writing("ADD a.txt /@", "ADD ./a.txt /@"),
    "add-json": Writing("ADD a.txt /@", 'ADD ["a.txt","/@"]'),
    "copy-fromimg": Writing(
        "COPY --from=base:1 /bin/busybox /@", "COPY --from=base:1 bin/busybox /@"
    ),
    "copy-fromlibrary": Writing(
        "COPY --from=base:1 /bin/busybox /@", "COPY --from=library/base:1 /bin/busybox /@"
    ),
    "copy-fromcase": Writing(
        "COPY --from=zero /bin/busybox /@", "COPY --from=ZERO /bin/busybox /@"
    ),
    "copy-fromidx": Writing("COPY --from=zero /bin/busybox /@", "COPY --from=0 /bin/busybox /@"),
    "copy-src-default": Writing("COPY a.txt /@", "COPY ${F:-a.txt} /@"),
    "copy-src-other": Writing("COPY ${F:-a.txt} /@", "COPY b.txt /@", False, False),
    "copy-src-compose": Writing("ENV F=a\nCOPY $F.txt /@", "ENV F=a\nCOPY a.txt /@"),
    "copy-dest-default": Writing("COPY a.txt /@", "COPY a.txt ${D:-/@}"),
    "copy-dest-var": Writing("ENV D=/@\nCOPY a.txt $D", "ENV D=/@\nCOPY a.txt /@"),
    "copy-json-var": Writing('ENV F=a.txt\nCOPY ["$F","/@"]', "ENV F=a.txt\nCOPY a.txt /@"),
    "copy-chown-default": Writing("COPY --chown=${U:-0}:0 a.txt /@", "COPY --chown=0:0 a.txt /@"),
    "copy-chown-dq": Writing('COPY --chown="0:0" a.txt /@', "COPY --chown=0:0 a.txt /@"),
    "copy-chown-name": Writing(
        "COPY --chown=0:0 a.txt /@", "COPY --chown=root:root a.txt /@", False
    ),
    "copy-moved": Writing("COPY d/f /@", "COPY g/f /@", False),
    "copy-moved-to": Writing("COPY d/f /@/", "COPY g/f /@/", False),
    "copy-moved-dir": Writing("COPY d /@", "COPY g /@", False, False),
    "copy-wild-dir": Writing("COPY d /@/", "COPY d* /@/", True, False),
    "copy-wild-class": Writing("COPY a* b* /@/", "COPY [a] b* [a].txt /@/", False, False),
    "copy-wild-other": Writing("COPY [ab]* /@/", "COPY [ab].txt /@/", True, False),
    "copy-wild-more": Writing("COPY a* /@/", "COPY [ab]* /@/", False, False),
    "copy-fromimage": Writing(
        "COPY --from=zero /bin/busybox /@", "COPY --from=base:1 /bin/busybox /@"
    ),
    "copy-fromclean": Writing(
        "COPY --from=zero /bin/busybox /@", "COPY --from=zero bin/../bin/busybox /@"
    ),
    "copy-fromq": Writing("COPY --from=zero /bin/busybox /@", 'COPY --from="zero" /bin/busybox /@'),
    "copy-fromwild": Writing(
        "COPY --from=zero /bin/busybox /@/", "COPY --from=zero /bin/busybo? /@/", True, False
    ),
    "add-default": Writing("ADD a.txt /@", "ADD ${F:-a.txt} /@"),
    "add-wild": Writing("ADD a.txt b.txt /@/", "ADD [ab].txt /@/", True, False),
    "add-dq": Writing("ADD a.txt /@", 'ADD "a.txt" "/@"'),
    "add-dest-var": Writing("ENV D=/@\nADD a.txt $D", "ENV D=/@\nADD a.txt /@"),
    "copy-chown-daemon": Writing(
        "COPY --chown=1:1 a.txt /@", "COPY --chown=daemon:daemon a.txt /@", None, False
    ),
    "copy-chown-one": Writing("COPY --chown=0 a.txt /@", "COPY --chown=root a.txt /@", False),
    "copy-chown-other": Writing("COPY --chown=0 a.txt /@", "COPY --chown=1 a.txt /@", False, False),
    "add-chown-none": Writing("ADD a.txt /@", "ADD --chown=root:root a.txt /@", False, False),
    "add-moved": Writing("ADD d/f /@", "ADD g/f /@", False),
    "copy-moved-two": Writing("COPY d/f a.txt /@/", "COPY g/f a.txt /@/", False),
    "copy-moved-named": Writing("COPY d/f /@/f", "COPY g/f /@/f", False),
    "copy-moved-wild": Writing("COPY d/* /@/", "COPY g/* /@/", False),
    "copy-moved-parent": Writing("COPY d*/f /@/", "COPY g*/f /@/", False),
    "copy-fromimagedir": Writing("COPY --from=zero /bin /@", "COPY --from=base:1 /bin /@"),
    "copy-fromotherplace": Writing(
        "COPY --from=zero /bin/busybox /@", "COPY --from=zero /bin/sh /@", True, False
    ),
    "copy-chown-name-zero": Writing(
        "COPY --chown=00:0 a.txt /@", "COPY --chown=0:0 a.txt /@", False
    ),
    "copy-fromstagedir": Writing("COPY --from=zero /bin/ /@/", "COPY --from=zero /bin /@/"),
    "copy-chmod-var": Writing(
        "ENV M=644\nCOPY --chmod=$M a.txt /@",
        "ENV M=644\nCOPY --chmod=644 a.txt /@",
        None,
        True,
        {"old-buildkit": False, "mid-buildkit": False},
    ),
    "copy-chmod-zeros": Writing("COPY --chmod=0644 a.txt /@", "COPY --chmod=00644 a.txt /@", None),
    "copy-chmod-other": Writing(
        "COPY --chmod=0644 a.txt /@", "COPY --chmod=0640 a.txt /@", None, False
    ),
}
