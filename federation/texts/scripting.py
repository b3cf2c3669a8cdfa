"""The words of errors about scripts, their sandbox and what is released of them."""

from __future__ import annotations

from federation.texts.text import Text

SCRIPTING: dict[str, Text] = {
    # -- the analyst must ask for something else -----------------------------------------------------------------------
    "request.dataset_unknown": Text(
        "没有可以运行脚本的数据集 {dataset}",
        "可用的数据集（部门.表）：{known}",
        "there is no dataset {dataset} that a script may be run on",
        "datasets, department.table: {known}",
    ),
    "request.no_scripts": Text(
        "{table} 的持有部门不允许在其上运行脚本",
        "请改用 keyong query 提出统计查询",
        "the holders of {table} let no script run over it",
        "ask for statistics with keyong query",
    ),
    "request.script_trial": Text(
        "脚本在编造的样例行上试运行未得到可发布的结果：{code}",
        "请用 keyong run SCRIPT.py --dataset … --try 查看其结果与日志",
        "tried on made-up rows, the script gave no result that could be released: {code}",
        "keyong run SCRIPT.py --dataset ... --try shows its result and its log",
    ),
    "request.script_names": Text(
        "文件名不合规范：{names}",
        "请只用不超过 64 个拉丁字母、数字、点、横线与下划线，且不以点或横线开头",
        "these are no names for files of a script: {names}",
        "use up to 64 Latin letters, digits, dots, dashes and underscores, the first being no dot or dash",
    ),
    "request.script_file": Text(
        "没有文件 {path}，或它不是 UTF-8 文本，或与另一文件同名",
        "请核对路径；脚本与 --with 的文件名须各不相同",
        "there is no file {path}, or it is no text in UTF-8, or another one has its name",
        "look at the path; the script and the files given by --with have different names",
    ),
    "request.script_files": Text(
        "脚本须为 1 至 {files} 个不同名的文件，合计不超过 {kilobytes} KiB",
        "请删去用不到的文件：审批人要逐行阅读",
        "a script is 1 to {files} files of different names, together up to {kilobytes} KiB",
        "leave out what it does not need: its reviewers read every line",
    ),
    "request.script_numbers": Text(
        "结果须有 1 至 {maximum} 个数值列，列名不得重复，也不得与分组列同名",
        "请在脚本中改写结果的列",
        "a result has 1 to {maximum} columns of numbers, each of its own name, none of which is a key's",
        "change the columns that the script writes",
    ),
    "request.script_released": Text(
        "结果最多会有 {count} 个数，超过上限 {maximum}",
        "请减少分组列或数值列",
        "the result may have {count} numbers, more than the limit of {maximum}",
        "group by fewer columns, or write fewer numbers",
    ),
    "request.script_limits": Text(
        "有效数字须为 1 至 {digits} 位，时间 1 至 {seconds} 秒，内存 {least} 至 {most} MiB",
        "请改用范围内的值",
        "digits are 1 to {digits}, seconds 1 to {seconds}, memory {least} to {most} MiB",
        "take values within these",
    ),
    # -- it does not run -----------------------------------------------------------------------------------------------
    "refused.no_sandbox": Text(
        "这里没有可用的沙箱（{reason}）：脚本绝不在沙箱之外运行",
        "请在 Linux 上安装 bubblewrap（apt install bubblewrap）",
        "there is no sandbox here ({reason}), and no script runs outside of one",
        "on Linux install bubblewrap (apt install bubblewrap)",
    ),
    "refused.script_budget": Text(
        "{party}拒绝：加上这一结果，本期内就该数据集给这一申请方的数会超过上限",
        "请减少结果的行列，或在下一期再申请",
        "{party} refused: with this result the requester would be given more numbers of this dataset than one epoch"
        " allows",
        "ask for a smaller table, or in the next epoch",
    ),
    "refused.script_code": Text(
        "{party}拒绝：冻结的脚本与批准的脚本不同",
        "请该部门的安全管理员查看其 scripts 目录：有人改动了文件；请重新申请",
        "{party} refused: the frozen script is not the one that was approved",
        "have the department's officer look at its scripts folder, somebody changed a file; ask anew",
    ),
    # -- it ran, and ended badly ---------------------------------------------------------------------------------------
    "refused.script_failed": Text(
        "脚本出错而终止；其日志留在数据所属部门",
        "请用 keyong run … --try 在样例行上重现；或请该部门代为查看日志",
        "the script ended in an error; what it printed stays with the department that holds the data",
        "try it with keyong run ... --try on made-up rows, or ask the department what its log says",
    ),
    "refused.script_time": Text(
        "脚本超出时限而被终止",
        "请用 --seconds 申请更长时间，或改进脚本",
        "the script ran out of time",
        "ask for more with --seconds, or make it quicker",
    ),
    "refused.script_memory": Text(
        "脚本超出内存上限而被终止",
        "请用 --memory 申请更多内存，或改进脚本",
        "the script ran out of memory",
        "ask for more with --memory, or make it leaner",
    ),
    "refused.script_output": Text(
        "脚本没有写出 out/result.csv，或写出过多",
        "请只写一张小表 out/result.csv",
        "the script wrote no out/result.csv, or too much",
        "write one small table, out/result.csv",
    ),
    "refused.script_stopped": Text(
        "脚本在运行中被终止：有人撤回了批准",
        "结果不会发布；如需继续请重新申请",
        "the script was stopped while it ran: somebody took back their word",
        "nothing is released; ask anew if it is still needed",
    ),
    # -- what it wrote must not leave ----------------------------------------------------------------------------------
    "refused.result_size": Text(
        "结果过大，或行数多于分组数；没有发布",
        "每个分组至多一行，请只写声明的列",
        "the result is too large, or has more lines than there are groups; nothing was released",
        "write one line for each group, and no more",
    ),
    "refused.result_format": Text(
        "结果不是规整的 UTF-8 CSV；没有发布",
        '请用 to_csv("out/result.csv", index=False) 写出',
        "the result is no even CSV in UTF-8; nothing was released",
        'write it with to_csv("out/result.csv", index=False)',
    ),
    "refused.result_columns": Text(
        "结果的列与批准的不同，或没有数值列；没有发布",
        "先写分组列，再写数值列，列名各不相同",
        "the result does not have the columns that were approved, or none of numbers; nothing was released",
        "write the keys first, then the numbers, each of its own name",
    ),
    "refused.result_keys": Text(
        "结果的分组列出现了公开取值以外的内容或重复的分组；没有发布",
        "分组列只能写目录中的公开取值或分界区间，每组一行；编号一律不能发布",
        "a key of the result is no public value, or a group stands twice; nothing was released",
        "keys are public values or bands of the catalogue, one line each; identifiers are never released",
    ),
    "refused.result_numbers": Text(
        "结果的数值列出现了不是有限十进制数的内容；没有发布",
        "请在脚本中填补缺失值，去掉无穷大与文字",
        "a number of the result is no finite decimal number; nothing was released",
        "fill gaps in the script, and leave out infinities and texts",
    ),
    "refused.result_small": Text(
        "每个分组的行数都低于最小分组；没有发布",
        "请合并分组",
        "every group is smaller than the minimum; nothing was released",
        "merge groups",
    ),
    "refused.result_empty": Text(
        "结果没有可以发布的行",
        "请核对脚本的筛选与分组",
        "the result has no line that could be released",
        "look at what the script filters and groups by",
    ),
}
