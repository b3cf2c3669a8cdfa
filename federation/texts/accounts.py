"""The words of errors about accounts, tiers and who may do what."""

from __future__ import annotations

from federation.texts.text import Text

ACCOUNTS: dict[str, Text] = {
    "settings.officers_few": Text(
        "部门 {department} 的安全管理员不足 {needed} 名",
        "请在 federation.toml 中为该部门补足 [[officer]]，或减少 officers_needed",
        "department {department} has fewer than {needed} security officers",
        "add an [[officer]] for it to federation.toml, or lower officers_needed",
    ),
    "home.roster_grants": Text(
        "按名册，每个部门须由 {count} 名安全管理员批准，与 federation.toml 的 officers_needed 不符",
        "请用 keyong epoch propose 提出变更，经多数部门签署后开始新纪元；或恢复原配置",
        "by the pinned roster {count} officers of a department must grant, which is not what officers_needed says",
        "propose the change with keyong epoch propose and let a majority sign it, or restore the settings",
    ),
    "request.tier": Text(
        "县级账号 {account} 不能提出这类请求：{kind}",
        "可以提出：{allowed}；其余请由市级账号申请",
        "a county's account may not ask for this kind of job: {account}, {kind}",
        "it may ask for: {allowed}; let an account of the city ask for the rest",
    ),
    "request.tier_group": Text(
        "县级账号 {account} 的最小组规模为 {minimum} 行",
        "请把最小组规模设为 {minimum} 或以上",
        "for the county's account {account} a group has {minimum} rows or more",
        "make the request with a minimum group of {minimum} or more",
    ),
    "request.core": Text(
        "数据表 {table} 属于核心数据，任何结果都不出部门",
        "可以查询：{nearest}",
        "table {table} is core data: nothing of it leaves its department",
        "ask about one of these: {nearest}",
    ),
    "request.important": Text(
        "数据表 {table} 属于重要数据，县级账号 {account} 不能申请",
        "可以查询：{nearest}；或请市级账号申请",
        "table {table} is important data, which the county's account {account} may not ask about",
        "ask about one of these: {nearest}, or let an account of the city ask",
    ),
    "refused.granted_before": Text(
        "{officer} 已经批准过请求 {request}",
        "须由该部门的另一名安全管理员批准",
        "{officer} has granted request {request} before",
        "another security officer of the department has to grant it",
    ),
    "refused.condition": Text(
        "{party} 无法单独保证请求 {request} 的最小组规模",
        "该条件只适用于在本部门执行的脚本；请去掉 --min-group 后批准，或拒绝并说明理由",
        "{party} alone cannot hold request {request} to a minimum group",
        "the condition is for scripts, which run at one department; approve without --min-group, or reject",
    ),
    "refused.no_script": Text(
        "请求 {request} 不含申请方的脚本，无可试运行",
        "请审阅其计划与可见性表",
        "request {request} brings no script that could be tried",
        "read its plan, and who will see what",
    ),
    "refused.shelf": Text(
        "{party} 的请求目录与审批结果不一致：{request}",
        "请安全管理员核对该目录中的文件与状态，再重新提出请求",
        "the shelf of {party} does not show request {request} as it was approved",
        "let its officers look at the files and the state there, then ask anew",
    ),
    "refused.right": Text(
        "{account} 没有这项权限：{right}",
        "请以有此权限的账号登录；申请方、系统管理员、安全管理员、安全审计员各司其职",
        "{account} has no such right: {right}",
        "sign in with an account that has it; analyst, operator, security officer and auditor are separate",
    ),
    "refused.too_soon": Text(
        "{account} 此刻不能登录或签署",
        "请在 {seconds} 秒后再试",
        "{account} cannot sign in or sign now",
        "try again in {seconds} s",
    ),
    "refused.code": Text(
        "登录码不对，或已用过",
        "请读取 {account} 目录中的文件 sign-in-code；每个登录码只用一次",
        "the sign-in code is wrong, or was used before",
        "read the file sign-in-code in the folder of {account}; each code is for one use",
    ),
    "settings.origin": Text(
        "{origin} 不是反向代理的来源地址",
        "请写成 https://主机名 或 https://主机名:端口，不带路径",
        "{origin} is no origin of a reverse proxy",
        "write https://host or https://host:port, without a path",
    ),
}
