"""What the tests share: where the recorded streams are, and how thorough Hypothesis is."""

import os

from hypothesis import HealthCheck, settings

# Machines differ and are shared: nothing is judged by the clock, and the same examples come in
# every run of the gate.
settings.register_profile(
    "default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("random", settings.get_profile("default"), derandomize=False)
# For a Python or a dependency whose only news would be a plain failure.
settings.register_profile("quick", settings.get_profile("default"), max_examples=20)
settings.register_profile("slow", settings.get_profile("random"), max_examples=20_000)
PROFILE = os.environ.get("SSEKIT_HYPOTHESIS", "default")
settings.load_profile(PROFILE)

# How many examples those tests take that look for what nobody thought of: once in the gate, many.
THOROUGH = max(1_000 if "SSEKIT_THOROUGH" in os.environ else 0, settings().max_examples)
