"""Who holds what: one file for each department, with its tables, their cards, and how their rows are written."""

from jincheng.departments.bureau import BUREAUS
from jincheng.departments.civil import CIVIL
from jincheng.departments.disabled import DISABLED
from jincheng.departments.education import EDUCATION
from jincheng.departments.finance import BANK, COURT
from jincheng.departments.health import HEALTH
from jincheng.departments.hospitals import HOSPITALS
from jincheng.departments.housing import HOUSING
from jincheng.departments.market import MARKET
from jincheng.departments.police import POLICE
from jincheng.departments.power import POWER
from jincheng.departments.social import SOCIAL
from jincheng.departments.tax import TAX

DEPARTMENTS = (
    POLICE,
    CIVIL,
    SOCIAL,
    HEALTH,
    DISABLED,
    TAX,
    MARKET,
    HOUSING,
    POWER,
    COURT,
    BANK,
    EDUCATION,
)

__all__ = ["BUREAUS", "DEPARTMENTS", "HOSPITALS"]
