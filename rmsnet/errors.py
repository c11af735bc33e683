"""The two ways in which a command may fail without a bug."""


class UserError(Exception):
    """Bad input. The message is one line that says what, where and what to do; exit status 2."""


class CheckFailed(Exception):
    """A check answered no: data that fail validation, a promotion that is refused; exit status 1."""


def first_cause(error: BaseException) -> str:
    """What an error began with, in one line: "[Errno 111] Connection refused" below three layers of libraries."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return " ".join(str(error).split()) or type(error).__name__
