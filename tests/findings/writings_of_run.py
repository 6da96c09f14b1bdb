"""Pairs of writings of RUN."""

from __future__ import annotations

from tests.findings.writing import Writing

RUN_WRITINGS: dict[str, Writing] = {
    "run-case": Writing("RUN echo @", "run echo @"),
    "run-lead": Writing("RUN echo @", "RUN    echo @"),
    "run-trail": Writing("RUN echo @", "RUN echo @   "),
    "run-in": Writing("RUN echo @", "RUN echo  @", False, False),
    "run-tab": Writing("RUN echo @", "RUN\techo @"),
    "run-indent": Writing("RUN echo @", "  RUN echo @"),
    "run-crlf": Writing("RUN echo @", "RUN echo @\r"),
    "run-cont": Writing("RUN echo @ && echo b", "RUN echo @ && \\\necho b"),
    "run-cont4": Writing("RUN echo @ &&     echo b", "RUN echo @ && \\\n    echo b"),
    "run-cont1": Writing("RUN echo @ && echo b", "RUN echo @ && \\\n    echo b", False, False),
    "run-comment": Writing("RUN echo @ && echo b", "RUN echo @ && \\\n# c\necho b"),
    "run-blank": Writing("RUN echo @ && echo b", "RUN echo @ && \\\n\necho b"),
    "run-contfirst": Writing("RUN echo @", "RUN \\\n echo @"),
    "run-contfirst2": Writing("RUN echo @", "RUN \\\n# c\n     echo @"),
    "run-json": Writing("RUN echo @", 'RUN ["/bin/sh","-c","echo @"]'),
    "run-jsonsp": Writing('RUN ["echo","@"]', 'RUN [ "echo" ,   "@" ]'),
    "run-jsonesc": Writing('RUN ["echo","@"]', 'RUN ["ech\\u006f","@"]'),
    "run-quote": Writing("RUN echo '@'", 'RUN echo "@"', False, False),
    "run-envlit": Writing("ENV B=1\nRUN echo @ $B", "ENV B=1\nRUN echo @ ${B}", False, False),
    "run-heredoc": Writing("RUN echo @", "RUN <<EOF\necho @\nEOF", None, False),
    "run-hname": Writing("RUN <<EOF\necho @\nEOF", "RUN <<E2\necho @\nE2", None),
    "run-hdash": Writing("RUN <<EOF\necho @\nEOF", "RUN <<-EOF\n\techo @\n\tEOF", None),
    "run-hquote": Writing("RUN <<EOF\necho @\nEOF", "RUN <<'EOF'\necho @\nEOF", None),
    "run-hwhite": Writing("RUN <<EOF\necho @\nEOF", "RUN   <<EOF\necho @\nEOF", None),
    "run-hcat": Writing("RUN cat <<EOF\n@\nEOF", "RUN cat <<E2\n@\nE2", None, False),
    "run-hcatq": Writing("RUN cat <<EOF\n@\nEOF", "RUN cat <<'EOF'\n@\nEOF", None, False),
    "run-hcatdash": Writing("RUN cat <<EOF\n@\nEOF", "RUN cat <<-EOF\n\t@\n\tEOF", None, False),
    "run-hcase": Writing("RUN <<EOF\necho @\nEOF", "run <<EOF\necho @\nEOF", None),
    "run-mnt-dst": Writing(
        "RUN --mount=type=cache,target=/c echo @", "RUN --mount=type=cache,dst=/c echo @", None
    ),
    "run-mnt-id": Writing(
        "RUN --mount=type=cache,target=/c echo @",
        "RUN --mount=type=cache,target=/c,id=/c echo @",
        None,
    ),
    "run-mnt-order": Writing(
        "RUN --mount=type=cache,target=/c echo @", "RUN --mount=target=/c,type=cache echo @", None
    ),
    "run-mnt-sharing": Writing(
        "RUN --mount=type=cache,target=/c echo @",
        "RUN --mount=type=cache,target=/c,sharing=shared echo @",
        None,
    ),
    "run-mnt-slash": Writing(
        "RUN --mount=type=cache,target=/c echo @",
        "RUN --mount=type=cache,target=/c/ echo @",
        None,
        False,
    ),
    "run-mnt-rel": Writing(
        "RUN --mount=type=cache,target=/w/@/c echo @",
        "RUN --mount=type=cache,target=c echo @",
        None,
        False,
    ),
    "run-mnt-two": Writing(
        "RUN --mount=type=cache,target=/c --mount=type=cache,target=/d echo @",
        "RUN --mount=type=cache,target=/d --mount=type=cache,target=/c echo @",
        None,
    ),
    "run-mnt-white": Writing(
        "RUN --mount=type=cache,target=/c echo @",
        "RUN   --mount=type=cache,target=/c    echo @",
        None,
    ),
    "run-mnt-q": Writing(
        "RUN --mount=type=cache,target=/c echo @", 'RUN --mount="type=cache,target=/c" echo @', None
    ),
    "run-mnt-var": Writing(
        "ENV T=/c\nRUN --mount=type=cache,target=/c echo @",
        "ENV T=/c\nRUN --mount=type=cache,target=$T echo @",
        None,
        True,
        {"old-buildkit": False},
    ),
    "run-mnt-bind": Writing(
        "RUN --mount=type=bind,target=/c echo @", "RUN --mount=target=/c echo @", None
    ),
    "run-mnt-bindsrc": Writing(
        "RUN --mount=type=bind,target=/c echo @",
        "RUN --mount=type=bind,source=.,target=/c echo @",
        None,
    ),
    "run-mnt-bindsrc2": Writing(
        "RUN --mount=type=bind,source=a.txt,target=/c echo @",
        "RUN --mount=type=bind,source=./a.txt,target=/c echo @",
        None,
    ),
    "run-mnt-bindsrc3": Writing(
        "RUN --mount=type=bind,source=a.txt,target=/c echo @",
        "RUN --mount=type=bind,src=/a.txt,target=/c echo @",
        None,
    ),
    "run-mnt-ro": Writing(
        "RUN --mount=type=bind,target=/c echo @", "RUN --mount=type=bind,target=/c,ro echo @", None
    ),
    "run-net": Writing("RUN echo @", "RUN --network=default echo @", None),
    "run-netnone": Writing("RUN --network=none echo @", "RUN  --network=none  echo @", None),
    "run-default": Writing("RUN echo @ ${B:-1}", "RUN echo @ 1", False, False),
    "run-mnt-default": Writing(
        "RUN --mount=type=cache,target=${T:-/c} echo @",
        "RUN --mount=type=cache,target=/c echo @",
        None,
        True,
        {"old-buildkit": False},
    ),
    "run-mnt-idvar": Writing(
        "ENV T=c\nRUN --mount=type=cache,target=/c,id=$T echo @",
        "ENV T=c\nRUN --mount=type=cache,target=/c,id=c echo @",
        None,
        True,
        {"old-buildkit": False},
    ),
    "run-mnt-typecase": Writing(
        "RUN --mount=type=cache,target=/c echo @", "RUN --mount=type=CACHE,target=/c echo @", None
    ),
    "run-mnt-keycase": Writing(
        "RUN --mount=type=cache,target=/c echo @", "RUN --mount=TYPE=cache,Target=/c echo @", None
    ),
    "run-mnt-sharingcase": Writing(
        "RUN --mount=type=cache,target=/c,sharing=locked echo @",
        "RUN --mount=type=cache,target=/c,sharing=LOCKED echo @",
        None,
    ),
    "run-mnt-rw": Writing(
        "RUN --mount=type=bind,target=/c echo @",
        "RUN --mount=type=bind,target=/c,rw=false echo @",
        None,
    ),
    "run-mnt-readonly": Writing(
        "RUN --mount=type=bind,target=/c echo @",
        "RUN --mount=type=bind,target=/c,readonly=true echo @",
        None,
    ),
    "run-mnt-rwtrue": Writing(
        "RUN --mount=type=bind,target=/c,rw echo @",
        "RUN --mount=type=bind,target=/c,readwrite=true echo @",
        None,
    ),
    "run-mnt-clean": Writing(
        "RUN --mount=type=cache,target=/c echo @",
        "RUN --mount=type=cache,target=/d/../c echo @",
        None,
        False,
    ),
    "run-mnt-from": Writing(
        "RUN --mount=type=bind,from=zero,target=/c echo @",
        "RUN --mount=type=bind,from=ZERO,target=/c echo @",
        None,
    ),
    "run-mnt-mode": Writing(
        "RUN --mount=type=cache,target=/c,mode=755 echo @",
        "RUN --mount=type=cache,target=/c,mode=0755 echo @",
        None,
    ),
    "run-mnt-modedefault": Writing(
        "RUN --mount=type=cache,target=/c echo @",
        "RUN --mount=type=cache,target=/c,mode=0755 echo @",
        None,
        False,
    ),
    "run-mnt-uid": Writing(
        "RUN --mount=type=cache,target=/c,uid=0 echo @",
        "RUN --mount=type=cache,target=/c,uid=00 echo @",
        None,
    ),
    "run-mnt-secret": Writing(
        "RUN --mount=type=secret,id=x echo @",
        "RUN --mount=type=secret,id=x,target=/run/secrets/x echo @",
        None,
    ),
    "run-mnt-secretreq": Writing(
        "RUN --mount=type=secret,id=x echo @",
        "RUN --mount=type=secret,id=x,required=false echo @",
        None,
    ),
    "run-mnt-tmpfs": Writing(
        "RUN --mount=type=tmpfs,target=/c echo @",
        "RUN --mount=type=tmpfs,dst=/c/ echo @",
        None,
        False,
    ),
    "run-quotedflag": Writing("RUN --network=none echo @", 'RUN --network="none" echo @', None),
    "run-mnt-fromother": Writing(
        "RUN --mount=from=zero,source=/bin,target=/c echo @",
        "RUN --mount=from=base:1,source=/bin,target=/c echo @",
        None,
    ),
    "run-mnt-fromroot": Writing(
        "RUN --mount=from=zero,target=/c echo @",
        "RUN --mount=from=base:1,target=/c echo @",
        None,
        False,
    ),
    "run-mnt-moved": Writing(
        "RUN --mount=source=d,target=/c echo @", "RUN --mount=source=g,target=/c echo @", None
    ),
    "run-mnt-movedfile": Writing(
        "RUN --mount=source=d/f,target=/c echo @", "RUN --mount=source=g/f,target=/c echo @", None
    ),
    "run-mnt-otherfile": Writing(
        "RUN --mount=source=a.txt,target=/c echo @",
        "RUN --mount=source=c.txt,target=/c echo @",
        None,
    ),
    "run-mnt-tmpfsrel": Writing(
        "RUN --mount=type=tmpfs,target=/w/@/c echo @",
        "RUN --mount=type=tmpfs,target=c echo @",
        None,
    ),
    "run-mnt-bindrel": Writing(
        "RUN --mount=target=/w/@/c echo @", "RUN --mount=target=c echo @", None
    ),
    "run-mnt-twokinds": Writing(
        "RUN --mount=target=/d --mount=type=cache,target=/c echo @",
        "RUN --mount=type=cache,target=/c --mount=target=/d echo @",
        None,
    ),
    "run-mnt-movedrw": Writing(
        "RUN --mount=source=d,target=/c,rw echo @", "RUN --mount=source=g,target=/c,rw echo @", None
    ),
    "run-mnt-movedto": Writing(
        "RUN --mount=source=d,target=/c echo @", "RUN --mount=target=/c echo @", None, False
    ),
    "run-mnt-fromsame": Writing(
        "RUN --mount=from=zero,target=/c echo @",
        "RUN --mount=from=zero,source=/,target=/c echo @",
        None,
    ),
    "run-mnt-required": Writing(
        "RUN --mount=type=ssh echo @", "RUN --mount=type=ssh,id=default echo @", None, False
    ),
    "run-mnt-gid": Writing(
        "RUN --mount=type=cache,target=/c,gid=1 echo @",
        "RUN --mount=type=cache,target=/c,gid=01,uid=0 echo @",
        None,
    ),
    "run-mnt-size": Writing(
        "RUN --mount=type=tmpfs,target=/c,size=1048576 echo @",
        "RUN --mount=type=tmpfs,target=/c,size=1m echo @",
        None,
    ),
}
