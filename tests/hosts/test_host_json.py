"""JSON from a host that no parser can follow is no answer, and no fault of ours."""

import msgspec
import pytest

from cachetui.builders.rawjson_objects import ObjectReader
from cachetui.hosts.cache_records import parse_cache
from cachetui.hosts.facts import Section
from cachetui.hosts.machine import Completed
from cachetui.records.host_json import decode, loads

DEEP = '{"a":' * 200_000 + "1" + "}" * 200_000


@pytest.mark.fault("host-json")
def test_it_is_no_json() -> None:
    with pytest.raises(ValueError, match="deeply"):
        loads(DEEP)
    with pytest.raises(msgspec.DecodeError, match="deeply"):
        decode(DEEP, dict)


@pytest.mark.fault("host-json")
def test_parsers_go_on() -> None:
    assert Section(DEEP + '\n{"ID":"x"}', "", 0).json() == {"ID": "x"}
    assert parse_cache(Completed(status=0, stdout=DEEP.encode(), stderr=b"")) is None
    unknown = f'{{"unknown":{DEEP}}}\n'.encode()
    known = f'{{"vertexes":[{DEEP}]}}\n'.encode()
    reader = ObjectReader()
    found = [*reader.feed(unknown + known + b"text\n"), *reader.close()]
    assert found[-1] == b"text\n"
