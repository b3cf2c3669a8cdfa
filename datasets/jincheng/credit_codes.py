"""Unified social credit codes (统一社会信用代码) after GB 32100-2015.

'9' + kind (1) + area code (6) + organisation code after GB 11714 (8 symbols + check) + check symbol (MOD 31).
"""

import numpy as np

from jincheng.draws import Integers, Texts
from jincheng.errors import IdentifierError

SYMBOLS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ORGANISATION_SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
WEIGHTS = np.array([pow(3, place, 31) for place in range(17)])

# Serial numbers are scattered over the 7 free symbols: 7919 and 30 have no common factor, so no two meet.
ORGANISATIONS = 30**7
STEP, START = 7919, 12345


def credit_codes(area_code: int, kind: Integers, serial: Integers) -> Texts:
    """Write the codes of firms of one county.

    Args:
        area_code: six digits.
        kind: 1 for enterprises, 2 for sole traders, 3 for farmers' cooperatives.
        serial: 0 to 30**7 - 1; no two firms of the city share one.

    Returns:
        Texts of 18 symbols, all different.
    """
    code = np.empty((len(serial), 18), dtype=np.int64)
    code[:, 0] = 9
    code[:, 1] = kind
    code[:, 2:8] = area_code // 10 ** np.arange(5, -1, -1) % 10
    code[:, 8] = SYMBOLS.index("M")
    scattered = (STEP * serial + START) % ORGANISATIONS
    code[:, 9:16] = scattered[:, None] // 30 ** np.arange(6, -1, -1) % 30
    check = -(_ORGANISATION_VALUE[code[:, 8:16]] @ ORGANISATION_WEIGHTS) % 11
    code[:, 16] = np.where(check == 10, SYMBOLS.index("X"), check)
    code[:, 17] = -(code[:, :17] @ WEIGHTS) % 31
    code_points = np.array([ord(symbol) for symbol in SYMBOLS], dtype=np.uint32)
    return code_points[code].view("U18").ravel()


def check_credit_code(text: str) -> None:
    """Check form and both check symbols of one code.

    Raises:
        IdentifierError: naming the part that is wrong, never the code.
    """
    if len(text) != 18 or not set(text) <= set(SYMBOLS):
        raise IdentifierError(f"a credit code is 18 of the symbols {SYMBOLS}")
    code = np.array([SYMBOLS.index(symbol) for symbol in text])
    if "0123456789X".find(text[16]) != -(_ORGANISATION_VALUE[code[8:16]] @ ORGANISATION_WEIGHTS) % 11:
        raise IdentifierError("the check symbol of the organisation in this credit code is wrong")
    if code[17] != -(code[:17] @ WEIGHTS) % 31:
        raise IdentifierError("the check symbol of this credit code is wrong")


_ORGANISATION_VALUE = np.array([ORGANISATION_SYMBOLS.index(symbol) for symbol in SYMBOLS])
