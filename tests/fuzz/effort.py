"""How long fuzzing goes on: seeded and short in every run of the tests, longer by ``make test-fuzz``."""

import os
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings

FACTOR: Final = int(os.environ.get("FUZZ_FACTOR", "1"))


def effort(examples: int, **more: Any) -> settings:
    """So many examples, the same each time; or FUZZ_FACTOR times as many, others each time."""
    return settings(
        max_examples=examples * FACTOR,
        derandomize=FACTOR == 1,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=[Phase.generate],  # each example is a crowd of requests: to make it smaller takes too long
        **more,
    )
