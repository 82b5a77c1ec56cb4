"""How thorough a run is, by the environment variable SSEKIT_TESTS: a word of `EXAMPLES`."""

import os
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings

# How many examples a test of Hypothesis takes.
EXAMPLES = {
    "quick": 20,  # the default: every promise is reached
    "thorough": 100,  # and whoever looks for what nobody thought of takes more
    "random": 20_000,  # by hand: other ones in every run
}
PROFILE = os.environ.get("SSEKIT_TESTS", "quick")
THOROUGH = PROFILE != "quick"

# Machines differ and are shared: nothing is judged by the clock.
settings.register_profile(
    PROFILE,
    max_examples=EXAMPLES[PROFILE],
    derandomize=PROFILE != "random",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(PROFILE)

# What strategies reach: the same in every profile, as it is the strategies that are tested.
REACHING = settings(max_examples=5_000, phases=[Phase.generate], derandomize=True)

T = TypeVar("T")


def pick(quick: T, thorough: T) -> T:
    """Return what a run takes of two: how many, or which."""
    return thorough if THOROUGH else quick


def examples(quick: int, thorough: int) -> settings:
    """Return the settings of a test that takes other numbers of examples than most."""
    return settings(max_examples=max(pick(quick, thorough), PROFILE == "random" and 20_000))
