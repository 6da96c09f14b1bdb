"""Which tests without engines are slow, so that `make test-fast` is over within a minute.

tests.txt has them by name; `make slow-tests` measures all and writes it anew.
"""
