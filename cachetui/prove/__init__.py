"""Proof by experiment: change one thing, build again, and see whether the step hits.

A finding says that a step missed because one input, the suspect, is not what it was. Two
questions settle that, and both are put to the very engine that missed.

**Does the suspect alone make the step miss?** Asked in a cache of its own, since an audit that
ran the build as found has warmed the host's: there the step would hit whatever the cause. The
build is made as it was (`then`: all as it is, but for the suspect), once as it is (`now`), and
as it was again. `now` must miss the step, and `then` again must find it: only the suspect lies
between them, so it is enough for the miss, and without it there is none. If `now` hits, the
suspect is in no key of that step; if `then` misses again, something else makes the step miss
each time. Both withdraw the finding.

**Is it what made this host miss?** Asked of the host's own cache, where the as-found run missed
the step: what that run added has the key of `now`, and what was there before is still there. So
`then` must hit. If it misses, and `now` hits (which shows that the cache was not emptied since),
the host's cache never had the step as the suspect would have it: withdrawn. If `now` misses too,
nothing can be told: undecided. The first question is still asked when `then` hits, for a step
that does not depend on the suspect hits as well.

Where the second cannot be asked (the step is a RUN that would use the user's own cache mount, or
what was there is not to be had any more), the finding is proved only if the engine's record of an
earlier run already told what the step was like then; else it stays undecided.

**A cache of its own** is made by a file of random content that is copied in below each FROM of
the derived Dockerfile, on both builders: every key below has it. RUN steps have the extra host
name and the mount namespace of a controlled run besides (see `builders.command_line`); `--no-cache`
is never used. All builds of one question have the same of each, so that they differ in nothing
but the suspect. The derived Dockerfile ends with the step that is watched; `COPY --link`, which
stands on no step above, loses its flag there.

**In the host's own cache** nothing is added to the build: neither file nor option nor tag. It
ends with the watched step too. Where it hits, as it should, nothing runs. Images that were not
there before are removed; the Dockerfile and the context of the derived builds lie in a folder of
their own on the host, which is removed; the user's files and tags are not touched.
"""

from cachetui.prove.change import NoExperiment, ValueNeeded

__all__ = ["NoExperiment", "ValueNeeded"]
