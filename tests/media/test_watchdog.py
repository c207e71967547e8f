"""What takes longer than it may is told of once, and only while it lasts."""

from __future__ import annotations

import os
import threading

from lvqa.media.isolation.watchdog import Watchdog


def test_what_is_overdue_is_told_once_from_another_thread():
    dog, told, heard = Watchdog(), [], threading.Event()

    def overdue():
        told.append(threading.current_thread())
        heard.set()

    with dog.within(0.0, overdue):
        heard.wait()
    with dog.within(3600.0, overdue):
        pass
    assert len(told) == 1
    assert told[0] is not threading.current_thread()


def test_the_earliest_is_told_first_however_many_are_watched():
    dog, heard = Watchdog(), threading.Event()
    with dog.within(3600.0, lambda: None), dog.within(0.01, heard.set), dog.within(1800.0, lambda: None):
        heard.wait()


def test_what_ended_in_time_is_not_told():
    dog, told, heard = Watchdog(), [], threading.Event()
    with dog.within(3600.0, lambda: told.append(1)):
        pass
    assert not dog._due
    with dog.within(0.0, heard.set):
        heard.wait()
    assert told == []


def test_a_forked_process_watches_anew():
    from lvqa.media.isolation.watchdog import WATCHDOG

    with WATCHDOG.within(3600.0, lambda: None):
        pid = os.fork()
        if not pid:
            status = 1
            try:
                heard = threading.Event()
                with WATCHDOG.within(0.0, heard.set):
                    heard.wait()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0
