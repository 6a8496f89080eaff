"""What a trip by car is paid."""

RATE_CENTS = 36


def mileage(kilometres: int, passengers: int = 0) -> int:
    """Cents for a trip; two more cents a kilometre for each passenger."""
    return kilometres * (RATE_CENTS + 2 * passengers)
