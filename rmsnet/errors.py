"""The two ways in which a command may fail without a bug."""


class UserError(Exception):
    """Bad input. The message is one line that says what, where and what to do; exit status 2."""


class CheckFailed(Exception):
    """A check answered no: data that fail validation, a promotion that is refused; exit status 1."""
