"""What models and visitors of one server share: nobody is kept out by another."""

import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from web_client import Answer
from web_played import played, until

from celestial.web.hosts import visitor_of
from celestial.web.room import BusyError, Room
from celestial.web.safety import Pace

VISITORS = [f"198.51.100.{number}" for number in range(40)]


def ask(server, visitor: str, count: int = 1, **fields: str) -> Answer:
    return server.client.post("/api/predict", [(f"{number}.png", b"x") for number in range(count)],
                              {"X_Forwarded_For": visitor}, **fields)


@pytest.fixture
def executor():
    with ThreadPoolExecutor(len(VISITORS)) as executor:
        yield executor


def test_models_share_one_room_and_leave_threads_for_others(executor):
    with played(("first", "second"), proxied=True, room=8) as server:
        asked = [executor.submit(ask, server, visitor, model=("first", "second")[number % 2])
                 for number, visitor in enumerate(VISITORS)]
        until(lambda: sum(one.done() for one in asked) == len(VISITORS) - 8)
        assert server.client.send("GET", "/health").json["models"] == ["first", "second"]
        assert server.client.send("GET", "/").status == 200
        server.gate.set()
        answers = [one.result() for one in asked]
    assert sorted(one.status for one in answers) == [200] * 8 + [503] * (len(VISITORS) - 8)
    for one in answers:
        if one.status == 503:
            assert int(one.headers["Retry-After"]) > 0
            assert "too many pictures are waiting" in one.json["error"]["reason"]


def test_one_visitor_holds_half_of_the_room_and_gets_all_answers(executor):
    with played(proxied=True, room=8) as server:
        asked = [executor.submit(ask, server, VISITORS[0], 3)]
        until(lambda: server.room.held.total() == 3)
        asked.append(executor.submit(ask, server, VISITORS[0], 5))  # has one place for five
        until(lambda: server.room.held.total() == 4)
        refused = ask(server, VISITORS[0])
        assert refused.status == 503 and "of your pictures" in refused.json["error"]["reason"]
        asked.append(executor.submit(ask, server, VISITORS[1], 20))
        until(lambda: server.room.held.total() == 8)
        refused = ask(server, VISITORS[2])
        assert refused.status == 503 and "many pictures" in refused.json["error"]["reason"]
        server.gate.set()
        answers = [one.result() for one in asked]
        assert [one.status for one in answers] == [200] * 3
        assert [[result["filename"] for result in one.json["results"]] for one in answers] == [
            [f"{number}.png" for number in range(count)] for count in (3, 5, 20)]
        until(lambda: not server.room.held)  # nobody's name stays in the memory


def test_who_says_to_be_another_is_not_believed_without_a_proxy(executor):
    with played(room=8) as server:
        asked = executor.submit(ask, server, VISITORS[0], 4)
        until(lambda: server.room.held.total() == 4)
        assert ask(server, VISITORS[1]).status == 503
        server.gate.set()
        assert asked.result().status == 200


def test_a_room_of_one_place_has_it_for_anybody():
    room = Room(1)
    with room.hold("a", 20) as places:
        assert places == 1
        with pytest.raises(BusyError), room.hold("b", 1):
            pass
    with room.hold("b", 1) as places:
        assert places == 1


def test_visitors_of_one_ipv6_network_are_one():
    assert visitor_of("2001:db8:1:2:3:4:5:6") == visitor_of("2001:db8:1:2::9")
    assert visitor_of("2001:db8:1:2::9") != visitor_of("2001:db8:1:3::9")
    assert visitor_of("203.0.113.1") != visitor_of("203.0.113.2")
    assert visitor_of("::ffff:203.0.113.1") == visitor_of("203.0.113.1:5678") == "203.0.113.1"
    assert visitor_of("[2001:db8:1:2::9]:443") == visitor_of("2001:db8:1:2::9")
    assert visitor_of("unknown") == "unknown"


def test_too_fast():
    pace = Pace(2)
    assert [pace.too_fast("a") for _ in range(3)] == [False, False, True]
    assert not pace.too_fast("b")
    with played(a_minute=1) as server:
        server.gate.set()
        assert ask(server, "").status == 200
        refused = ask(server, "")
        assert refused.status == 429 and "requests a minute" in refused.json["error"]["reason"]
        assert server.client.send("GET", "/health").status == 200


def test_what_was_accepted_is_answered_at_the_end(executor):
    with played(room=8) as server:
        asked = [executor.submit(ask, server, "", 2) for _ in range(2)]
        until(lambda: server.room.held.total() == 4)
        ending = threading.Thread(target=server.server.close)
        ending.start()
        until(lambda: not server.server.server.accepting)
        server.gate.set()
        assert [one.result().status for one in asked] == [200, 200]
        ending.join()
        with pytest.raises(OSError):
            urllib.request.urlopen(f"{server.client.url}/health")
