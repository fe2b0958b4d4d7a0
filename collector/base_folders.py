"""Where this user's settings and state are: https://specifications.freedesktop.org/basedir-spec/latest/"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def base_folder(env: "Mapping[str, str]", variable: str, default: str) -> str:
    """Our folder in the one that `variable` names, or else in `default` below home."""
    folder = env.get(variable, "")
    # The specification: relative paths are ignored.
    return os.path.join(
        folder if os.path.isabs(folder) else os.path.join(os.path.expanduser("~"), default), "mergecost"
    )


def state_folder(env: "Mapping[str, str]") -> str:
    """The folder of what is remembered; MERGECOST_STATE names a file in another one."""
    file = env.get("MERGECOST_STATE")
    return os.path.dirname(file) if file else base_folder(env, "XDG_STATE_HOME", ".local/state")
