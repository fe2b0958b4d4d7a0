"""Cells of tables that people open in a spreadsheet: a text that it would take for a formula is shown as a text.

https://owasp.org/www-community/attacks/CSV_Injection
"""

_BEGIN_A_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def cell(value: object) -> object:
    """Numbers, dates and what is not there stay as they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_BEGIN_A_FORMULA) else value
