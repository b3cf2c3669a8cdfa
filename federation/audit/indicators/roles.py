"""The three separate roles, and the roster that names who holds them."""

from __future__ import annotations

from federation.audit.indicators import clauses
from federation.audit.indicators.material import Material
from federation.audit.indicators.values import (
    Definition,
    Finding,
    Measure,
    Words,
    judged,
    unmeasured,
)
from federation.governance.roster import OfficerRole
from federation.governance.statements import SignRoster

ROLES: tuple[OfficerRole, ...] = ("operator", "officer", "auditor")


def separate_roles(material: Material) -> Finding:
    """Persons with more than one of the three roles, and roles that nobody has."""
    officers = material.roster.officers
    if not officers:
        return unmeasured("名册中没有三员", "the roster names no officer")
    roles: dict[str, list[str]] = {}
    for officer in officers:
        roles.setdefault(officer.person, []).append(officer.role)
    doubled = sum(len(held) > 1 for held in roles.values())
    filled = [role for role in ROLES if any(officer.role == role for officer in officers)]
    served = {officer.department for officer in officers if officer.role == "officer"} & set(material.departments)
    measures = [
        Measure(what=Words("兼任两职的人员", "persons with two roles"), value=doubled, of=len(roles)),
        Measure(what=Words("已设的角色", "roles that are filled"), value=len(filled), of=len(ROLES)),
        Measure(
            what=Words("设有安全管理员的部门", "departments with a security officer"),
            value=len(served),
            of=len(material.departments),
        ),
    ]
    holds = not doubled and len(filled) == len(ROLES) and len(served) == len(material.departments)
    return judged(holds, measures)


def roster_signed(material: Material) -> Finding:
    """Departments' officers who signed that the roster is the one they compared."""
    expected = {officer.name for officer in material.roster.officers if officer.department in material.departments}
    if not expected:
        return unmeasured("没有部门设有安全管理员", "no department has an officer")
    signed = {
        said.statement.officer: said.index
        for said in material.said("member.sign")
        if isinstance(said.statement, SignRoster)
    }
    measure = Measure(
        what=Words("签署名册的部门人员", "departments' officers who signed"),
        value=len(expected & set(signed)),
        of=len(expected),
    )
    return judged(expected <= set(signed), [measure], entries=signed.values())


RULES = (
    (
        Definition(
            id="separate-roles",
            name=Words("三员分立", "three separate roles"),
            clauses=(clauses.THREE_ROLES,),
            formula=Words(
                "名册中同一人员名下的职位数 > 1 的人数；已设角色数；设有安全管理员的部门数",
                "persons who stand more than once in the roster; roles filled; departments with an officer",
            ),
            threshold=Words(
                "兼任 0 人，三种角色均已设，每个部门有安全管理员",
                "0 persons with two, all three roles filled, an officer in every department",
            ),
            command="keyong evidence indicators",
            limits=Words(
                "不证明两个姓名不是同一个人；演示中一个人可操作全部角色",
                "does not prove that two names are not one person; in the demonstration one person can play all roles",
            ),
        ),
        separate_roles,
    ),
    (
        Definition(
            id="roster-signed",
            name=Words("名册由各部门人员签署", "roster co-signed by the departments' officers"),
            clauses=(clauses.CRYPTO_LEVEL_3,),
            formula=Words(
                "对本名册哈希有有效 member.sign 陈述的部门人员 ÷ 名册中全部部门人员",
                "departments' officers with a valid member.sign statement on this roster's hash / all of them",
            ),
            threshold=Words("100 %", "100 %"),
            command="keyong evidence indicators",
            limits=Words(
                "不证明哈希确经另一渠道核对；市级管理员与审计员没有部门链，不计入",
                "does not prove that the hash was compared on another way; operators and auditors of the city have no"
                " department's chain to sign in and are not counted",
            ),
        ),
        roster_signed,
    ),
)
