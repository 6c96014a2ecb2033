"""The closed form (in preparation)."""


class Formula: ...


def formula(*a, **k): ...
