"""The words of every error, Chinese and English, by stable code.

The code's first part says whose fault it is; `federation.errors` draws the tree. Between parties only codes travel.
"""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """What is wrong, and the next step, in both languages."""

    zh: str
    next_zh: str
    en: str
    next_en: str


TEXTS: dict[str, Text] = {
    # -- data: a department's own store ------------------------------------------------------------------------
    "data.unreadable": Text(
        "部门数据文件无法打开或读取",
        "请检查文件是否存在、是否可读，以及 federation.toml 中的 path",
        "a department's data file cannot be opened or read",
        "check that the file exists and is readable, and the path in federation.toml",
    ),
    "data.encoding": Text(
        "数据文件不是所声明的编码",
        '请在 federation.toml 中写明 encoding = "utf-8" 或 "gb18030"',
        "the data file is not in the declared encoding",
        'set encoding = "utf-8" or "gb18030" for the table in federation.toml',
    ),
    "data.column_missing": Text(
        "声明的列 {column} 在数据中不存在",
        "请核对 federation.toml 中的列名与数据表头",
        "the declared column {column} is not in the data",
        "compare the column names in federation.toml with the header of the data",
    ),
    "data.type": Text(
        "某列含有与声明类型不符的内容",
        "请该部门查看自己的日志并更正数据或类型声明",
        "a column holds something that is not of its declared type",
        "ask the department to look at its own log and mend the data or the declared type",
    ),
    "data.too_large": Text(
        "数据超出协议的公开上限",
        "请缩小列的 bounds，或拆分数据表",
        "the data is larger than the protocol's public bound",
        "narrow the column's bounds or split the table",
    ),
    "data.unreachable": Text(
        "部门数据库没有应答，或连接中断",
        "请确认数据库正在运行，并核对 federation.toml 中的 url",
        "a department's database does not answer, or the connection broke",
        "check that the database is running, and the url in federation.toml",
    ),
    "data.login": Text(
        "部门数据库拒绝登录：账号、口令或库名不符",
        "请核对 url 中的账号与库名，以及 password_env 或 password_file 所指的口令",
        "a department's database refused the login: account, password or database name",
        "check account and database in the url, and the password that password_env or password_file names",
    ),
    "data.table_missing": Text(
        "部门数据库中没有所声明的数据表",
        "请核对 federation.toml 中的 table 与 schema；表可能已改名",
        "the declared table is not in the department's database",
        "compare table and schema in federation.toml with the database; the table may have been renamed",
    ),
    "data.privilege": Text(
        "数据库账号无权读取所声明的数据表",
        "请数据库管理员授予该账号对此表的 SELECT 权限，仅此而已",
        "the database account may not read the declared table",
        "have the account granted SELECT on this table, and nothing else",
    ),
    "data.account_writes": Text(
        "数据库账号可以改动数据表，因此不使用它",
        "请改用只有 SELECT 权限的账号",
        "the database account may change the table and is not used",
        "name an account that has SELECT on the table and nothing else",
    ),
    "data.adapter_failed": Text(
        "部门的数据适配器内部出错",
        "请该部门查看自己的 log.txt（其中有出错位置），并执行 keyong adapter check",
        "a department's adapter failed inside",
        "look into the department's own log.txt for the place, and run keyong adapter check",
    ),
    "data.adapter_answer": Text(
        "部门的数据适配器的回答不是所询问的整数统计或列",
        "请执行 keyong adapter check，并更正该适配器",
        "a department's adapter answered something other than the whole numbers or columns asked for",
        "run keyong adapter check and mend the adapter",
    ),
    "data.closed": Text(
        "数据表已关闭",
        "请重新打开后再询问",
        "the table has been closed",
        "open it again before asking",
    ),
    "settings.adapter_unknown": Text(
        "没有名为 {adapter} 的数据适配器；已安装：{known}",
        "请更正 adapter，或安装提供它的软件包",
        "no adapter {adapter}; installed: {known}",
        "correct the adapter's name or install the package that provides it",
    ),
    "settings.adapter_key_unknown": Text(
        "适配器 {adapter} 不认识设置 {key}；它认识：{known}",
        "请更正或删去该设置项",
        "the adapter {adapter} does not know the setting {key}; it knows {known}",
        "correct that key or take it out",
    ),
    "settings.adapter_key_missing": Text(
        "适配器 {adapter} 需要设置 {key}",
        "请在该数据表中加上它",
        "the adapter {adapter} needs the setting {key}",
        "add it to the table",
    ),
    "settings.adapter_broken": Text(
        "适配器 {adapter} 的代码无法加载：{reason}",
        "请更正该处代码或安装它所需的软件包；什么都没有启动",
        "the code of the adapter {adapter} does not load: {reason}",
        "mend that place or install what it needs; nothing was started",
    ),
    "settings.adapter_version": Text(
        "适配器 {adapter} 按接口版本 {found} 编写，本程序的版本为 {known}",
        "请按 docs/adapters.md 更新适配器，并写明 version = {known}",
        "the adapter {adapter} is written for version {found} of the contract; this is version {known}",
        "bring it up to docs/adapters.md and set version = {known}",
    ),
    "settings.adapter_specimen": Text(
        "检查工具无法为适配器 {adapter} 虚构数据",
        "请用 --department 和 --table 指定一个真实的数据表，或为该类写一个 specimen 方法（见 docs/adapters.md）",
        "the kit cannot make up a store for the adapter {adapter}",
        "name a real table with --department and --table, or give the class a specimen method (docs/adapters.md)",
    ),
    "settings.adapter_table": Text(
        "federation.toml 中没有部门 {department} 用适配器 {adapter} 读取的数据表 {table}",
        "请核对 --department、--table 与适配器名",
        "federation.toml has no table {table} that {department} reads by the adapter {adapter}",
        "compare --department, --table and the adapter's name with it",
    ),
    "settings.dialect": Text(
        "SQLAlchemy 没有 {dialect} 的方言或驱动，或 url 有误",
        "请安装该数据库的 SQLAlchemy 方言与驱动，或更正 url",
        "SQLAlchemy has no dialect or driver for {dialect}, or the url is wrong",
        "install that database's dialect and driver, or correct the url",
    ),
    "settings.secret_missing": Text(
        "没有环境变量 {variable}",
        "请在执行 keyong 之前设置它，或改用 password_file",
        "there is no environment variable {variable}",
        "set it before running keyong, or use password_file",
    ),
    "settings.password_file": Text(
        "部门目录中没有口令文件 {file}",
        "请把口令写入该部门目录（联邦目录的 parties/部门名/）中的这个文件",
        "there is no password file {file} in the department's home",
        "write the password into that file in its home (parties/NAME in the federation's folder)",
    ),
    "settings.password_file_open": Text(
        "他人可以读取口令文件 {file}",
        "请执行 chmod 600",
        "others may read the password file {file}",
        "chmod 600 it",
    ),
    "settings.password_inside": Text(
        "{key} 含有口令；federation.toml 中不能写口令",
        "请改用 password_env 或 password_file，并更换这个口令",
        "{key} holds a password, which federation.toml must not",
        "use password_env or password_file, and change that password",
    ),
    "settings.network": Text(
        "部门 {department} 的数据库要经网络（{key}），而被隔离的部门没有网络",
        "请用数据库的 Unix 套接字：url 中写 ?host=/套接字所在目录；远程数据库可先用 ssh -L 转发成套接字",
        "the database of {department} is reached over the network ({key}), and a confined department has none",
        "name the folder of its Unix socket in the url, ?host=/folder; ssh -L makes one of a remote database",
    ),
    "settings.socket_folder": Text(
        "{key} 的套接字目录 {folder} 还放着联邦自己的套接字或目录，不能给部门",
        "请让数据库使用单独的套接字目录",
        "{key}: the folder {folder} also holds sockets or the home of the federation and is given to no department",
        "let the database keep its socket in a folder of its own",
    ),
    "settings.encoding": Text(
        "不支持编码 {encoding}；支持：{known}",
        "请更正该数据表的 encoding，或转换文件编码",
        "no encoding {encoding}; supported: {known}",
        "correct the table's encoding or convert the file",
    ),
    "settings.adapter_contract": Text(
        "适配器 {adapter} 不符合接口约定",
        "请实现 federation.adapters.Adapter 的全部方法",
        "the adapter {adapter} does not meet the contract",
        "implement every method of federation.adapters.Adapter",
    ),
    # -- settings: federation.toml and the command -------------------------------------------------------------
    "settings.file_missing": Text(
        "找不到配置文件 {path}",
        "请用 --config 指明 federation.toml，或省略它以使用内置演示",
        "no settings file {path}",
        "name a federation.toml with --config, or leave it out for the built-in demo",
    ),
    "settings.not_toml": Text(
        "{path} 不是有效的 TOML：{detail}",
        "请更正该行后重试",
        "{path} is not valid TOML: {detail}",
        "correct that line and try again",
    ),
    "settings.key": Text(
        "federation.toml 的键 {key} 有误：{reason}",
        "请更正该键；什么都没有启动",
        "federation.toml, key {key}: {reason}",
        "correct that key; nothing was started",
    ),
    "settings.data_missing": Text(
        "{key} 指向的数据文件不存在：{path}",
        "请更正路径；什么都没有启动",
        "{key}: there is no data file {path}",
        "correct the path; nothing was started",
    ),
    "settings.folder_missing": Text(
        "{key} 指向的文件夹不存在：{path}",
        "请更正路径；什么都没有启动",
        "{key}: there is no folder {path}",
        "correct the path; nothing was started",
    ),
    "settings.one_path": Text(
        "适配器 {adapter} 需要 path（一个文件）或 folder（一个文件夹），二者取一",
        "请只写其中一个",
        "the adapter {adapter} needs path (a file) or folder, one of the two",
        "write one of them",
    ),
    "settings.tables_differ": Text(
        "部门 {department} 声明的数据表 {table} 与其他部门不同",
        "同名数据表的列、用途、取值与界限必须一致；请改为一致或另取表名",
        "department {department} declares table {table} differently from the others",
        "columns, uses, values and bounds of one table must agree; make them so, or give it another name",
    ),
    "settings.language": Text(
        "没有语言 {language}",
        "请使用 --lang zh 或 --lang en",
        "no language {language}",
        "use --lang zh or --lang en",
    ),
    "settings.citizens": Text(
        "演示城市的居民数须为 1000 至 1000000，而不是 {citizens}",
        "请更正 --citizens",
        "the demo city has 1000 to 1000000 citizens, not {citizens}",
        "correct --citizens",
    ),
    "settings.port": Text(
        "端口 {port} 已被占用",
        "请用 --port 换一个端口，或停止占用它的程序",
        "port {port} is in use",
        "choose another one with --port, or stop the program that uses it",
    ),
    "settings.usage": Text(
        "命令行有误：{reason}",
        "请执行 keyong --help 查看用法",
        "the command line is wrong: {reason}",
        "see keyong --help",
    ),
    "settings.interrupted": Text(
        "已中断；没有发布任何未完成的结果",
        "联邦若在运行会继续运行；停止：keyong down",
        "interrupted; nothing unfinished was released",
        "a running federation goes on; stop it with keyong down",
    ),
    "settings.python": Text(
        "不支持 Python {found}",
        "请使用 Python 3.11 或 3.12",
        "Python {found} is not supported",
        "use Python 3.11 or 3.12",
    ),
    # -- home: the folder and the machine ----------------------------------------------------------------------
    "home.in_use": Text(
        "目录 {home} 中的联邦正在运行",
        "请先执行 keyong down，或用 --home 指定另一个目录",
        "a federation is running in {home}",
        "stop it with keyong down, or name another folder with --home",
    ),
    "home.not_a_home": Text(
        "{home} 不是 Keyong 的目录，且不为空",
        "请用 --home 指定空目录或已有的 Keyong 目录；原内容未作改动",
        "{home} is not empty and is no home of Keyong",
        "name an empty folder or a home with --home; nothing was changed",
    ),
    "home.newer": Text(
        "{home} 的格式为 {found}，由更新的 Keyong 写成（本程序支持到 {known}）",
        "请升级 Keyong，或用 --home 指定另一个目录；原内容未作改动",
        "{home} has format {found}, written by a newer Keyong (this one knows up to {known})",
        "upgrade Keyong, or name another folder with --home; nothing was changed",
    ),
    "home.unwritable": Text(
        "无法写入 {home}：{reason}",
        "请检查权限与磁盘空间，或用 --home 指定另一个目录",
        "{home} cannot be written: {reason}",
        "check rights and free space, or name another folder with --home",
    ),
    "home.runtime_folder": Text(
        "运行目录 {folder} 不属于当前用户，或他人可访问",
        "请删除该目录后重试",
        "the run-time folder {folder} belongs to somebody else or others may enter it",
        "remove it and try again",
    ),
    "home.not_running": Text(
        "联邦没有在运行",
        "请先执行 keyong up",
        "the federation is not running",
        "start it with keyong up",
    ),
    "home.coordinator_gone": Text(
        "协调方在作业途中停止；没有发布任何结果",
        "它会自动重启；请重新提出请求",
        "the coordinator stopped in the middle of the job; nothing was released",
        "it restarts by itself; ask again",
    ),
    "home.does_not_stop": Text(
        "{home} 中的联邦没有按时停止",
        "请稍候重试；进程名以 ky- 开头",
        "the federation in {home} does not stop",
        "wait and try again; its processes' names begin with ky-",
    ),
    "home.start_late": Text(
        "联邦在 {seconds} 秒内未能就绪",
        "请查看 {log}",
        "the federation was not ready within {seconds} s",
        "look into {log}",
    ),
    "home.start_failed": Text(
        "启动进程意外结束",
        "请查看 {log}",
        "the launcher ended unexpectedly",
        "look into {log}",
    ),
    "home.roster_differs": Text(
        "{party} 的密钥与名册中登记的不同",
        "请恢复它的目录；若部门有增减，请用 keyong reset 重新开始",
        "the keys of {party} are not those of the pinned roster",
        "restore its folder; if departments were added or removed, begin anew with keyong reset",
    ),
    "home.roster_parties": Text(
        "federation.toml 的部门与名册不符：{party}",
        "请恢复原配置，或用 keyong reset 重新开始",
        "federation.toml names other departments than the pinned roster: {party}",
        "restore the settings, or begin anew with keyong reset",
    ),
    "home.share_lost": Text(
        "{party} 的密钥份额丢失或不符",
        "请恢复它的目录，或用 keyong reset 重新分发密钥",
        "the key share of {party} is lost or wrong",
        "restore its folder, or deal a new key with keyong reset",
    ),
    "home.storage": Text(
        "文件 {file} 无法写入或已损坏",
        "请检查磁盘；先备份该目录再处理",
        "the file {file} cannot be written or is damaged",
        "check the disk; make a copy of the home before anything else",
    ),
    "home.disk_full": Text(
        "磁盘已满，{file} 无法写入；没有账目就不发送任何数据",
        "请腾出空间后重试",
        "the disk is full and {file} cannot be written; without its ledger nothing is sent",
        "make room and try again",
    ),
    "home.internal": Text(
        "程序内部出错（{kind}）",
        "请加 --debug 重试并报告该调用栈",
        "the program failed inside ({kind})",
        "try again with --debug and report the traceback",
    ),
    # -- node: a party did not answer as it should -------------------------------------------------------------
    "node.gone": Text(
        "{party} 已停止；没有发布任何结果",
        "它会自动重启；请重新提出请求，仍不行请看 keyong status",
        "{party} has stopped; nothing was released",
        "it restarts by itself; ask again, and look at keyong status if it does not help",
    ),
    "node.killed": Text(
        "{party} 的进程被终止；没有发布任何结果",
        "它会自动重启；请重新提出请求",
        "the process of {party} was killed; nothing was released",
        "it restarts by itself; ask again",
    ),
    "node.late": Text(
        "{party} 在 {seconds} 秒内没有回答；没有发布任何结果",
        "请查看 keyong status 和该部门的日志，再重新提出请求",
        "{party} did not answer within {seconds} s; nothing was released",
        "look at keyong status and the department's log, and ask again",
    ),
    "node.failed": Text(
        "{party} 内部出错；没有发布任何结果",
        "请该部门查看自己的 log.txt",
        "{party} failed inside; nothing was released",
        "ask the department to look into its own log.txt",
    ),
    "node.unconfined": Text(
        "{party} 无法被内核隔离，因此没有启动",
        "请查看它的 log.txt",
        "{party} could not be confined by the kernel and was not started",
        "look into its log.txt",
    ),
    "node.storage": Text(
        "{party} 无法写入自己的账目，因此不发送任何数据",
        "请检查该部门目录的权限与磁盘，再重新提出请求",
        "{party} cannot write its own ledger and sends nothing",
        "check rights and disk of the department's folder, and ask again",
    ),
    "node.disk_full": Text(
        "{party} 的磁盘已满，账目无法写入，因此不发送任何数据",
        "请腾出空间；之后重新提出请求",
        "the disk of {party} is full; it cannot write its ledger and sends nothing",
        "make room, then ask again",
    ),
    "node.garbage": Text(
        "{party} 发来的字节不是消息，连接已关闭；没有发布任何结果",
        "请检查该部门的程序；它重启后请重新提出请求",
        "{party} sent bytes that are no message, and its link is closed; nothing was released",
        "check that department's program; ask again once it has restarted",
    ),
    "node.garbage_in": Text(
        "{party} 收到的字节不是消息，已停止；没有发布任何结果",
        "它会自动重启；请重新提出请求",
        "{party} was sent bytes that are no message and has stopped; nothing was released",
        "it restarts by itself; ask again",
    ),
    "node.foreign": Text(
        "收到一条签名不属于 {party} 的消息，已拒绝；没有发布任何结果",
        "有人在冒充或密钥有误：请安全管理员核对名册与日志",
        "a message was not signed by {party} and was refused; nothing was released",
        "somebody poses as it, or a key is wrong: have the security officer compare roster and log",
    ),
    "node.other_roster": Text(
        "{party} 使用了另一份名册、日志或密钥纪元；没有发布任何结果",
        "请核对各方固定的名册",
        "{party} speaks under another roster, log or key epoch; nothing was released",
        "compare the rosters that the parties have pinned",
    ),
    "node.replayed": Text(
        "{party} 的回答属于另一个问题（重放），已拒绝；没有发布任何结果",
        "请安全管理员查看日志，再重新提出请求",
        "the answer of {party} belongs to another question (replayed) and was refused; nothing was released",
        "have the security officer look at the log, and ask again",
    ),
    "node.protocol": Text(
        "{party} 的回答不合协议；没有发布任何结果",
        "请核对各方的 Keyong 版本",
        "{party} did not answer as the protocol demands; nothing was released",
        "compare the parties' versions of Keyong",
    ),
    "node.bad_event": Text(
        "{party} 的审计事件签名或次序有误，已拒收；没有发布任何结果",
        "请执行 keyong audit verify",
        "an audit event of {party} is not signed by it or out of order, and was refused; nothing was released",
        "run keyong audit verify",
    ),
    # -- request: the analyst asks for something else -----------------------------------------------------------
    "request.syntax": Text(
        "无法读懂这条 SQL",
        "形如：SELECT 分组列, COUNT(*), SUM(列) FROM 表 WHERE 条件 GROUP BY 分组列",
        "the SQL cannot be read",
        "write SELECT key, COUNT(*), SUM(column) FROM table WHERE condition GROUP BY key",
    ),
    "request.not_select": Text(
        "只接受一条 SELECT 语句",
        "请改写为单条 SELECT 聚合查询",
        "only one SELECT statement is accepted",
        "ask for aggregates with a single SELECT",
    ),
    "request.too_long": Text(
        "SQL 超过 {maximum} 个字符",
        "请缩短查询",
        "the SQL is longer than {maximum} characters",
        "shorten the query",
    ),
    "request.unsupported": Text(
        "不支持 {what}",
        "可以改用：{instead}",
        "{what} is not supported",
        "nearest that can be done: {instead}",
    ),
    "request.rows": Text(
        "{what} 会给出逐行数据，只能查询聚合值",
        "请使用 COUNT、SUM、AVG、VAR、STDDEV，并把分组列写进 GROUP BY",
        "{what} would show rows; only aggregates can be asked for",
        "use COUNT, SUM, AVG, VAR or STDDEV, and name grouping columns in GROUP BY",
    ),
    "request.table_unknown": Text(
        "没有数据表 {table}",
        "可用的数据表：{known}",
        "there is no table {table}",
        "tables: {known}",
    ),
    "request.column_unknown": Text(
        "数据表 {table} 没有列 {column}",
        "可用的列：{known}",
        "table {table} has no column {column}",
        "columns: {known}",
    ),
    "request.use": Text(
        "列 {column} 不允许用于 {use}（允许：{allowed}）",
        "允许 {use} 的列：{nearest}",
        "column {column} may not be used for {use} (allowed: {allowed})",
        "columns that may be used for {use}: {nearest}",
    ),
    "request.join_key": Text(
        "列 {column} 是连接键，不能出现在 WHERE 中",
        "请按公开取值或分界点筛选其他列",
        "column {column} is a join key and may not be in WHERE",
        "filter by public values or cut points of other columns",
    ),
    "request.cut": Text(
        "列 {column} 只能在公开分界点处比较：{cuts}",
        "请用 >= 和 <，并取其中的分界点",
        "column {column} can be compared at its public cut points only: {cuts}",
        "use >= and < with one of them",
    ),
    "request.value": Text(
        "列 {column} 只能与公开取值比较：{values}",
        "请用 =、!=、IN 和其中的取值",
        "column {column} can be compared with its public values only: {values}",
        "use =, != or IN with some of them",
    ),
    "request.constant": Text(
        "常数与列 {column} 的类型 {type} 不符",
        "请写成该类型：数不加引号，小数位不多于声明；文字加引号",
        "the constant does not fit column {column} of type {type}",
        "write one of that type: numbers without quotes and with no more digits than declared, text in quotes",
    ),
    "request.group_values": Text(
        "列 {column} 没有可供分组的公开取值",
        "若该列有公开分界点，可改用 {nearest}",
        "column {column} has no public values to group by",
        "if it has public cut points, use {nearest}",
    ),
    "request.by_holder": Text(
        "不能按持有部门分组：那会公布单个部门自己的合计",
        "请按公开的属性列分组，例如年龄段",
        "grouping by the holder is refused: it would publish each department's own total",
        "group by a public attribute, such as an age band",
    ),
    "request.one_department": Text(
        "不能只查询部分部门的 {table}：两次结果相减就是某个部门的合计；至少 {minimum} 个部门一起回答",
        "请写 FROM {table}，由全部持有部门一起回答",
        "{table} cannot be asked of some departments only: two answers would give one department's total away; at least"
        " {minimum} answer together",
        "write FROM {table}, and all its holders answer together",
    ),
    "request.few_departments": Text(
        "数据表 {table} 只有 {count} 个部门持有，至少需要 {minimum} 个",
        "请查询更多部门共同持有的数据表",
        "table {table} is held by {count} departments; at least {minimum} are needed",
        "ask about a table that more departments hold",
    ),
    "request.too_many_groups": Text(
        "分组数 {count} 超过上限 {maximum}",
        "请减少分组列",
        "{count} groups are more than the limit of {maximum}",
        "group by fewer columns",
    ),
    "request.purpose": Text(
        "须写明用途，且不超过 {maximum} 个字符",
        '请加上 --purpose "……"',
        "a purpose is needed, of up to {maximum} characters",
        'add --purpose "..."',
    ),
    # -- refused: as the rules ask -------------------------------------------------------------------------------
    "refused.by_holder": Text(
        "每个分组都只来自不足三个部门，等于按持有部门分组，闸门拒绝发布",
        "请换一个各部门都有数的分组列",
        "every group comes from fewer departments than the rule asks for, which is grouping by the holder; the release"
        " gate refuses",
        "group by a column whose values occur in every department",
    ),
    "refused.too_small": Text(
        "每个分组的人数都低于最小分组，闸门拒绝发布",
        "请放宽筛选条件或合并分组",
        "every group is smaller than the minimum; the release gate refuses",
        "widen the filter or merge groups",
    ),
    "refused.cancelled": Text(
        "请求方已离开，作业取消；没有发布任何结果",
        "需要时请重新提出请求",
        "whoever asked has gone away, and the job was cancelled; nothing was released",
        "ask again when you need it",
    ),
    "refused.busy": Text(
        "已有 {waiting} 个作业在等待",
        "请稍后再试",
        "{waiting} jobs are waiting already",
        "try again later",
    ),
    "refused.control": Text(
        "控制套接字收到的不是请求",
        "请使用 keyong 命令",
        "what came to the control socket is no request",
        "use the keyong command",
    ),
    "refused.requester": Text(
        "{party}拒绝：请求的签名、请求方或作业名不符",
        "请用名册中的分析员身份重新提出请求",
        "{party} refused: signature, requester or job of the request do not fit",
        "ask again as an analyst of the roster",
    ),
    "refused.plan": Text(
        "{party}拒绝：计划不是规范格式",
        "请核对各方的 Keyong 版本",
        "{party} refused: the plan is not in its canonical form",
        "compare the parties' versions of Keyong",
    ),
    "refused.other_catalogue": Text(
        "{party}拒绝：计划所依据的目录或名册与该部门的不同",
        "请用当前的 federation.toml 重新启动并重新提出请求",
        "{party} refused: the plan was made against another catalogue or roster",
        "restart with the present federation.toml and ask again",
    ),
    "refused.loosened": Text(
        "{party}拒绝：计划放宽了公开规则",
        "请不要改动计划的规则部分",
        "{party} refused: the plan loosens a public rule",
        "leave the rules of the plan as they are",
    ),
    "refused.order": Text(
        "{party}拒绝：请求不在协议的这一步",
        "请重新提出请求",
        "{party} refused: the request is out of order",
        "ask again",
    ),
    "refused.replayed": Text(
        "{party}拒绝：同一步骤或作业已经回答过一次",
        "每个作业只运行一次；请重新提出请求",
        "{party} refused: this step or job was answered once already",
        "a job runs once; ask again",
    ),
    "refused.inputs": Text(
        "{party}拒绝：密文不是各部门承诺过的那一份",
        "请安全管理员查看日志：有人改动或遗漏了密文",
        "{party} refused: the ciphertexts are not exactly those the departments committed to",
        "have the security officer look at the log: one was changed, moved or left out",
    ),
    "refused.product": Text(
        "{party}拒绝：乘积不是已承诺密文的乘积",
        "请安全管理员查看日志：协调方给出了另一个乘积",
        "{party} refused: the product is not that of the committed ciphertexts",
        "have the security officer look at the log: the coordinator gave another one",
    ),
    "refused.decision": Text(
        "{party}拒绝：没有闸门签名的发布决定",
        "请重新提出请求",
        "{party} refused: there is no release decision signed by the gate",
        "ask again",
    ),
    "refused.shares": Text(
        "解密份额不能合成约定的合计值；没有发布任何结果",
        "请安全管理员查看日志，再重新提出请求",
        "the partial decryptions do not open the agreed totals; nothing was released",
        "have the security officer look at the log, and ask again",
    ),
    "refused.egress": Text(
        "{party}的网关拒绝放行：类别未知或该作业未经本部门同意",
        "请先取得该部门对作业的同意",
        "the gateway of {party} let nothing out: unknown class, or a job it has not agreed to",
        "get the department's agreement to the job first",
    ),
    # -- record: the evidence does not hold -----------------------------------------------------------------------
    "record.invalid": Text(
        "审计记录校验不通过：{where}，{reason}",
        "请保留现场，交安全审计员比对各部门的副本",
        "the record does not verify: {where}, {reason}",
        "leave everything as it is and have the auditor compare the departments' copies",
    ),
    "record.empty": Text(
        "这里还没有审计记录",
        "请先执行 keyong up 或 keyong demo",
        "there is no record here yet",
        "run keyong up or keyong demo first",
    ),
}
