"""Pairs of writings of the lines of a stage, and whether the engines' keys are the same for both.

By the source of both builders, where `written_forms` does not say that it was measured. `@` stands
for what is in no other pair.
"""

from __future__ import annotations

from typing import NamedTuple


class Writing(NamedTuple):
    """The lines before and after, and whether all steps have the key that they had: of the legacy
    builder (None: it cannot build them, or drops a part), and of BuildKit (None: not known, and
    nothing is said)."""

    then: str
    now: str
    legacy: bool | None = True
    buildkit: bool | None = True


FILES = {
    "a.txt": "a",
    "b.txt": "b",
    "c.txt": "a",
    "d/f": "d",
    "e/f": "e",
    ".dockerignore": "Dockerfile\n.dockerignore\n",
}
"""The build context."""

WRITINGS: dict[str, Writing] = {
    "env-dq": Writing("ENV A=1", 'ENV A="1"'),
    "env-sq": Writing("ENV A=1", "ENV A='1'"),
    "env-space": Writing("ENV A=1", "ENV A 1"),
    "env-case": Writing("ENV A=1", "env A=1"),
    "env-white": Writing("ENV A=1", "ENV    A=1   "),
    "env-split": Writing("ENV A=1 B=2", "ENV A=1\nENV B=2", False),
    "env-cont": Writing("ENV A=1 B=2", "ENV A=1 \\\n    B=2"),
    "env-comment": Writing("ENV A=1 B=2", "ENV A=1 \\\n# c\n    B=2"),
    "env-esc": Writing("ENV A=a\\ b", 'ENV A="a b"'),
    "env-twice": Writing("ENV A=1\nENV A=2", "ENV A=2", False),
    "env-again": Writing("ENV A=1", "ENV A=1\nENV A=1", False),
    "env-var-const": Writing("ENV B=1\nENV A=$B", "ENV B=1\nENV A=1"),
    "env-brace": Writing("ENV B=1\nENV A=$B", "ENV B=1\nENV A=${B}"),
    "env-arg-const": Writing("ARG B=1\nENV A=$B", "ARG B=1\nENV A=1"),
    "env-order": Writing("ENV A=1 B=2", "ENV B=2 A=1", False, False),
    "env-dollar": Writing("ENV A='$B'", "ENV A=\\$B"),
    "env-qname": Writing("ENV A=1", 'ENV "A"=1'),
    "env-mid": Writing('ENV A=a"b"c', "ENV A=abc"),
    "env-empty": Writing("ENV A=", 'ENV A=""'),
    "env-spacelong": Writing("ENV A a  b", 'ENV A="a  b"'),
    "env-spaceq": Writing('ENV A "1"', "ENV A 1"),
    "env-indent": Writing("ENV A=1", "   ENV A=1"),
    "env-crlf": Writing("ENV A=1", "ENV A=1\r"),
    "env-sep": Writing("ENV A=1 B=2", "ENV A=1   B=2"),
    "label-dq": Writing("LABEL a=1", 'LABEL a="1"'),
    "label-qname": Writing("LABEL a=1", 'LABEL "a"=1'),
    "label-space": Writing("LABEL a=1", "LABEL a 1"),
    "label-case": Writing("LABEL a=1", "label a=1"),
    "label-order": Writing("LABEL a=1 b=2", "LABEL b=2 a=1", False),
    "label-sep": Writing("LABEL a=1 b=2", "LABEL a=1    b=2"),
    "label-split": Writing("LABEL a=1 b=2", "LABEL a=1\nLABEL b=2", False),
    "label-again": Writing("LABEL a=1 b=2", "LABEL a=1 b=2 a=1", False),
    "arg-dq": Writing("ARG A=1", 'ARG A="1"'),
    "arg-sq": Writing("ARG A=1", "ARG A='1'"),
    "arg-case": Writing("ARG A=1", "arg A=1"),
    "arg-split": Writing("ARG A=1 B=2", "ARG A=1\nARG B=2", False),
    "arg-order": Writing("ARG A=1\nARG B=2", "ARG B=2\nARG A=1", False, None),
    "arg-order1": Writing("ARG A=1 B=2", "ARG B=2 A=1", False, None),
    "arg-empty": Writing("ARG A", "ARG A=", False, False),
    "arg-gone": Writing("ARG A=1\nENV X=1", "ENV X=1", False, False),
    "arg-nogone": Writing("ARG A\nENV X=1", "ENV X=1", False),
    "arg-twice": Writing("ARG A=1\nARG A=2", "ARG A=2", False),
    "arg-again": Writing("ARG A=1", "ARG A=1\nARG A=1", False),
    "arg-env-order": Writing("ARG A=1\nENV B=2", "ENV B=2\nARG A=1", False, None),
    "arg-var": Writing("ARG B=1\nARG A=$B", "ARG B=1\nARG A=1"),
    "arg-white": Writing("ARG A=1", "ARG    A=1"),
    "arg-shadow": Writing("ARG A=1\nENV A=1", "ENV A=1", False),
    "arg-empty2": Writing("ARG A=", 'ARG A=""'),
    "arg-order3": Writing("ARG C=1\nARG A=1\nARG B=2", "ARG A=1\nARG B=2\nARG C=1", False, None),
    "user-root": Writing("USER root", "USER 0", False, False),
    "user-dq": Writing("USER root", 'USER "root"'),
    "user-var": Writing("ENV U=root\nUSER $U", "ENV U=root\nUSER root"),
    "user-group": Writing("USER root", "USER root:root", False, False),
    "wd-slash": Writing("WORKDIR /a", "WORKDIR /a/", True, None),
    "wd-clean": Writing("WORKDIR /a", "WORKDIR /b/../a", True, None),
    "wd-dq": Writing("WORKDIR /a", 'WORKDIR "/a"'),
    "wd-case": Writing("WORKDIR /a", "workdir /a"),
    "wd-rel": Writing("WORKDIR /b\nWORKDIR a", "WORKDIR /b\nWORKDIR /b/a"),
    "wd-dot": Writing("WORKDIR a", "WORKDIR ./a"),
    "wd-var": Writing("ENV W=/a\nWORKDIR $W", "ENV W=/a\nWORKDIR /a"),
    "wd-again": Writing("WORKDIR /a", "WORKDIR /a\nWORKDIR /a", False, False),
    "wd-brace": Writing("ENV W=/a\nWORKDIR $W", "ENV W=/a\nWORKDIR ${W}"),
    "expose-tcp": Writing("EXPOSE 80", "EXPOSE 80/tcp", False),
    "expose-order": Writing("EXPOSE 80 81", "EXPOSE 81 80"),
    "expose-case": Writing("EXPOSE 80", "expose 80"),
    "expose-range": Writing("EXPOSE 80 81", "EXPOSE 80-81", False),
    "expose-split": Writing("EXPOSE 80 81", "EXPOSE 80\nEXPOSE 81", False),
    "expose-upper": Writing("EXPOSE 80/tcp", "EXPOSE 80/TCP", False),
    "expose-sep": Writing("EXPOSE 80 81", "EXPOSE 80   81"),
    "expose-dq": Writing("EXPOSE 80", 'EXPOSE "80"'),
    "vol-json": Writing("VOLUME /v", 'VOLUME ["/v"]'),
    "vol-order": Writing("VOLUME /v /u", "VOLUME /u /v", False),
    "vol-sep": Writing("VOLUME /v /u", "VOLUME /v    /u"),
    "vol-case": Writing("VOLUME /v", "volume /v"),
    "vol-slash": Writing("VOLUME /v", "VOLUME /v/", False),
    "vol-split": Writing("VOLUME /v /u", "VOLUME /v\nVOLUME /u", False),
    "cmd-json": Writing("CMD echo x", 'CMD ["/bin/sh","-c","echo x"]'),
    "cmd-jsonsp": Writing('CMD ["a","b"]', 'CMD [ "a" ,  "b" ]'),
    "cmd-case": Writing("CMD echo x", "cmd echo x"),
    "cmd-white": Writing("CMD echo x", "CMD    echo x  "),
    "cmd-in": Writing("CMD echo x", "CMD echo  x", False),
    "cmd-cont": Writing("CMD echo a && echo b", "CMD echo a && \\\n echo b", False),
    "cmd-cont0": Writing("CMD echo a && echo b", "CMD echo a && \\\necho b"),
    "ep-json": Writing("ENTRYPOINT echo x", 'ENTRYPOINT ["/bin/sh","-c","echo x"]'),
    "ep-jsonsp": Writing('ENTRYPOINT ["a","b"]', 'ENTRYPOINT [ "a","b"]'),
    "ep-case": Writing("ENTRYPOINT echo x", "entrypoint echo x"),
    "shell-sp": Writing('SHELL ["/bin/sh","-c"]', 'SHELL [ "/bin/sh",  "-c" ]'),
    "shell-add": Writing("ENV X=1", 'ENV X=1\nSHELL ["/bin/sh","-c"]', False),
    "shell-case": Writing('SHELL ["/bin/sh","-c"]', 'shell ["/bin/sh","-c"]'),
    "stop-num": Writing("STOPSIGNAL 9", "STOPSIGNAL SIGKILL", False),
    "stop-dq": Writing("STOPSIGNAL 9", 'STOPSIGNAL "9"'),
    "stop-case": Writing("STOPSIGNAL 9", "stopsignal 9"),
    "stop-sig": Writing("STOPSIGNAL KILL", "STOPSIGNAL SIGKILL", False),
    "hc-none": Writing("HEALTHCHECK NONE", "healthcheck none"),
    "hc-time": Writing(
        "HEALTHCHECK --interval=60s CMD x", "HEALTHCHECK --interval=1m CMD x", False
    ),
    "hc-white": Writing("HEALTHCHECK CMD x", "HEALTHCHECK   CMD   x"),
    "hc-cmdcase": Writing("HEALTHCHECK CMD x", "HEALTHCHECK cmd x"),
    "hc-order": Writing(
        "HEALTHCHECK --interval=60s --timeout=5s CMD x",
        "HEALTHCHECK --timeout=5s --interval=60s CMD x",
    ),
    "hc-json": Writing("HEALTHCHECK CMD x y", 'HEALTHCHECK CMD ["x","y"]', False),
    "hc-arg": Writing("HEALTHCHECK CMD x y", "HEALTHCHECK CMD x  y", False),
    "maint-white": Writing("MAINTAINER a b", "MAINTAINER a  b", False),
    "maint-case": Writing("MAINTAINER a", "maintainer a"),
    "maint-dq": Writing("MAINTAINER a", 'MAINTAINER "a"', False),
    "onb-case": Writing("ONBUILD RUN x", "onbuild run x", legacy=False),
    "onb-case1": Writing("ONBUILD RUN x", "onbuild RUN x"),
    "onb-white": Writing("ONBUILD RUN x", "ONBUILD    RUN x"),
    "onb-in": Writing("ONBUILD RUN x", "ONBUILD RUN   x", legacy=False),
    "onb-env": Writing("ONBUILD ENV A=1", 'ONBUILD ENV A="1"', legacy=False),
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
    "copy-h": Writing("COPY <<EOF /f\n@\nEOF", "COPY <<E2 /f\n@\nE2", None, False),
    "copy-hq": Writing("COPY <<EOF /f\n@\nEOF", "COPY <<'EOF' /f\n@\nEOF", None),
    "copy-hdash": Writing("COPY <<EOF /f\n@\nEOF", "COPY <<-EOF /f\n\t@\n\tEOF", None),
    "copy-hdqs": Writing("COPY <<EOF /f\n@\nEOF", 'COPY <<"EOF" /f\n@\nEOF', None),
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
        "RUN --mount=type=cache,target=/c echo @", "RUN --mount=type=cache,target=/c/ echo @", None
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
        False,
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
    "run-net": Writing("RUN echo @", "RUN --network=default echo @", None, False),
    "run-netnone": Writing("RUN --network=none echo @", "RUN  --network=none  echo @", None),
    "copy-link-false": Writing("COPY a.txt /@", "COPY --link=false a.txt /@", None),
    "copy-chmod": Writing("COPY --chmod=644 a.txt /@", "COPY --chmod=0644 a.txt /@", None, False),
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
    "copy-wild": Writing("COPY a.txt b.txt /@/", "COPY [ab].txt /@/", False, False),
    "copy-wild1": Writing("COPY a.txt /@/", "COPY a* /@/", False, False),
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
    "copy-fromidx": Writing(
        "COPY --from=zero /bin/busybox /@", "COPY --from=0 /bin/busybox /@", False, False
    ),
}
