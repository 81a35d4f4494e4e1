# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The appmsgd authors
"""Waiting: for a condition, never for a fixed time, and not for ever."""

import contextlib
import threading
import time

DEADLINE = 30.0     # seconds any one wait may take
POLL = 0.01         # seconds between two looks at a condition
PATIENCE = 60.0     # in which even a busy machine is quick once


def wait_until(condition, what, poll=POLL):
    """Wait until condition() is true; returns what it returned.

    poll    seconds between two looks
    """
    end = time.monotonic() + DEADLINE
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain until {what}")
        time.sleep(poll)
    return value


def in_time(seconds, scenario, prepare=None):
    """Run a scenario that shows something only when nobody is held up.

    scenario    a function; what it finds counts if it took less than so
                many seconds, else it is run again
    prepare     called before each run, whose time does not count; what it
                returns the scenario is called with
    Returns what it returned.  What is never quick enough, however often it
    is tried, has failed.
    """
    problem, end = None, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        args = (prepare(),) if prepare else ()
        began = time.monotonic()
        try:
            result = scenario(*args)
        except TimeoutError:
            raise
        except (AssertionError, OSError) as late:
            if time.monotonic() - began < seconds:
                raise
            problem = late
        else:
            if time.monotonic() - began < seconds:
                return result
    raise TimeoutError(f"in {PATIENCE} seconds never done in {seconds}") \
        from problem


@contextlib.contextmanager
def background(*targets):
    """Run functions in threads meanwhile; what they raise is raised."""
    problems = []

    def guarded(target):
        try:
            target()
        except BaseException as problem:    # handed on below
            problems.append(problem)

    threads = [threading.Thread(target=guarded, args=(target,))
               for target in targets]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join(2 * DEADLINE)
        if problems:    # of which the rest may be the consequence
            raise problems[0]
