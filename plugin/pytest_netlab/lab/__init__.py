"""Real and pretended hosts to run scenarios on; `protocol` is all that others see."""
