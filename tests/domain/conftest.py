"""Property tests judge what is computed, not how fast: a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("domain", deadline=None, max_examples=30)
settings.load_profile("domain")
