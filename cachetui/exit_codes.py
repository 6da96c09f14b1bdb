"""Exit codes: the same for every command."""

SAME = 0
"""All runs ended and the hosts agree; or there was nothing to compare, and all went well."""

DIFFERENT = 1
"""They differ."""

TROUBLE = 2
"""A host, a build or what was asked for was in trouble."""

GATE = 3
"""A finding of --fail-on."""

INTERRUPTED = 130
