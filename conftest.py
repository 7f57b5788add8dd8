"""What all tests share: how long Hypothesis looks, by ``make test`` or by ``make soak``."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("test", deadline=None)
settings.register_profile(
    "soak", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("soak" if os.environ.get("CHATSTORE_SOAK") else "test")
