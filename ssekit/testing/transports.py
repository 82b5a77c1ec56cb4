"""Sources that do what transports do, good and bad, and say what was done to them."""

__all__: list[str] = []
