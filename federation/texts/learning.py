"""The words of errors about training and prediction."""

from __future__ import annotations

from federation.texts.text import Text

LEARNING: dict[str, Text] = {
    "learning.interrupted": Text(
        "训练在 {rounds} 轮之后中断：{code}；此前的模型已保存",
        "请先解决该原因，再用 keyong train JOB.toml --from {file} 继续（需重新审批）",
        "training stopped after {rounds} rounds: {code}; the model so far is saved",
        "mend that, then go on with keyong train JOB.toml --from {file} (approved anew)",
    ),
    "learning.diverged": Text(
        "训练在第 {round} 轮发散：损失不再下降而急剧增大；此前最好的模型已保留",
        "请在任务文件中调低学习率 rate，或减少本地轮数 epochs，再重新提出",
        "training diverged in round {round}: the loss grows instead of falling; the best model before that is kept",
        "lower the rate, or the epochs, in the job file and ask again",
    ),
    "learning.not_finite": Text(
        "某部门本轮的更新不是有限数，或超出公开上限；没有发出任何内容",
        "请在任务文件中调低学习率 rate，再重新提出",
        "a department's update of this round is no finite number, or beyond the public bound; nothing of it left",
        "lower the rate in the job file and ask again",
    ),
    "learning.one_class": Text(
        "全体部门的训练行只有一种标签，无从学习",
        "请换一个标签列，或放宽条件，使两种标签都出现",
        "the training rows of all departments together have one label only, so there is nothing to tell apart",
        "take another label column, or widen the conditions, so that both labels occur",
    ),
    "learning.too_few_rows": Text(
        "全体部门合计的训练行少于 {minimum} 行",
        "请放宽条件，或减少留出比例",
        "all departments together have fewer than {minimum} rows to train on",
        "widen the conditions, or hold out fewer rows",
    ),
    "learning.too_few_survivors": Text(
        "只有 {survivors} 个部门坚持到本轮结束，至少需要 {needed} 个；噪声不足，合计不予读取",
        "请等掉线的部门恢复后再运行",
        "{survivors} departments survived the round and {needed} are needed; there is too little noise to read the sum",
        "run again when the missing departments are back",
    ),
    "node.too_few": Text(
        "只剩 {count} 个部门，至少需要 {needed} 个；缺：{party}",
        "请用 keyong status 查看缺席的部门；恢复后重新提出，可用 --from 从已保留的模型继续",
        "only {count} departments are left and {needed} are needed; missing: {party}",
        "see keyong status for the missing ones; once they are back ask again, with --from to go on from a kept model",
    ),
    "refused.survivors": Text(
        "{party}拒绝：存活部门名单不一致，或人数不足，不能揭开掩码",
        "请安全管理员查看日志；协调方可能谎报了掉线",
        "{party} refused: the lists of survivors differ or are too short, so no mask comes off",
        "have the security officer look at the log: the coordinator may have lied about who is gone",
    ),
    "refused.no_model": Text(
        "没有保留作业 {request} 的模型",
        "请核对作业名，或重新训练",
        "no model is kept of job {request}",
        "check the name of the job, or train again",
    ),
    "refused.work": Text(
        "{party}拒绝：这一轮要求的工作不属于本计划，或模型形状与计划不符",
        "请安全管理员查看日志，再重新提出请求",
        "{party} refused: what this round asks for is none of the plan's, or its model has another shape",
        "have the security officer look at the log, and ask again",
    ),
    "refused.privacy_spent": Text(
        "本作业的隐私预算只够 {sums} 次求和，已用完",
        "请提出新的作业，并由各部门重新审批其预算",
        "the job's privacy budget pays for {sums} sums, and they have been answered",
        "propose a new job, whose budget the departments approve anew",
    ),
    "refused.privacy_accounts": Text(
        "两套隐私核算结果不一致，因此均不采用",
        "请把作业文件与版本交给维护者；在此之前不要运行带差分隐私的训练",
        "the two privacy accounts disagree, so neither is used",
        "give the job file and versions to the maintainers; until then run no training with differential privacy",
    ),
    "request.start": Text(
        "用来继续训练的模型文件无法读取，或属于另一张表、另一种模型、另一组特征或标签（树模型不能继续训练）",
        "请选用由同一任务训练出的模型，或从头训练",
        "the model to go on from cannot be read, or is of another table, kind, features or label (trees do not go on)",
        "take a model that the same job file made, or train from the beginning",
    ),
    "request.privacy_model": Text(
        "差分隐私只用于线性、逻辑回归与神经网络的联合训练，不用于树模型",
        "请改用 logistic、linear 或 mlp，或去掉 [privacy]",
        "differential privacy is for linear, logistic and perceptron models, not for trees",
        "choose logistic, linear or mlp, or leave out [privacy]",
    ),
    "request.privacy_protection": Text(
        "分布式噪声要求安全求和：无保护时每个部门的数单独可见，只剩它自己的一份噪声",
        '请把 protection 设为 "masks" 或 "paillier"',
        "distributed noise needs secure sums: unprotected, each department's numbers are seen with its own share only",
        'set protection = "masks" or "paillier"',
    ),
    "request.privacy_budget": Text(
        "该 (ε, δ) 无法承诺：ε 应不超过 100 且不能小到噪声溢出，δ 应在 1e-20 与 0.01 之间",
        "请调整 epsilon、delta，或减小 clip 或轮数",
        "this (epsilon, delta) cannot be promised: at most 100, and not too small; delta between 1e-20 and 0.01",
        "change epsilon or delta, or take a smaller clip or fewer rounds",
    ),
    "request.privacy_clip": Text(
        "裁剪范数 clip 超出可编码的范围",
        "请选 2^-24 与 2^24 之间的 clip，例如 1",
        "the clipping norm is outside what can be encoded",
        "choose a clip between 2^-24 and 2^24, such as 1",
    ),
    "request.job_missing": Text(
        "找不到作业文件 {path}",
        "请核对路径；可参照 examples/jobs 中的文件",
        "there is no job file {path}",
        "check the path; examples/jobs has files to start from",
    ),
    "request.job_not_toml": Text(
        "作业文件 {path} 不是有效的 TOML：{detail}",
        "请更正该行；什么都没有提交",
        "the job file {path} is not valid TOML: {detail}",
        "correct that line; nothing was submitted",
    ),
    "request.job_too_long": Text(
        "作业文件 {path} 超过 {maximum} 个字符；它会原样送到每个审批人的案头",
        "请缩短它，例如删去注释",
        "the job file {path} is longer than {maximum} characters; it goes to every officer's desk as it is",
        "shorten it, for example its comments",
    ),
    "request.job_unknown_key": Text(
        "作业文件没有键 {key}",
        "最接近的有效键：{nearest}",
        "a job file has no key {key}",
        "nearest valid key: {nearest}",
    ),
    "request.job_missing_key": Text(
        "作业文件缺少键 {key}",
        "请补上该键；什么都没有提交",
        "the job file lacks the key {key}",
        "add it; nothing was submitted",
    ),
    "request.job_choice": Text(
        "作业文件的键 {key} 不能取 {value}",
        "最接近的有效取值：{nearest}",
        "job file, key {key}: {value} is not a choice",
        "nearest valid choice: {nearest}",
    ),
    "request.job_key": Text(
        "作业文件的键 {key} 有误：{reason}",
        "请更正该键；什么都没有提交",
        "job file, key {key}: {reason}",
        "correct that key; nothing was submitted",
    ),
    "request.job_column": Text(
        "作业文件的键 {key}：数据表 {table} 没有列 {column}",
        "最接近的可用列：{nearest}",
        "job file, key {key}: table {table} has no column {column}",
        "nearest column that may be used: {nearest}",
    ),
    "request.no_domain": Text(
        "列 {column} 没有公开的界限或取值，不能作为特征",
        "可作为特征的列：{nearest}",
        "column {column} has no public bounds or values, so it cannot be a feature",
        "columns that can be: {nearest}",
    ),
    "request.label_class": Text(
        "该模型的标签须只取 0 和 1，列 {column} 不是",
        '可作标签的列：{nearest}；或改用 kind = "linear"',
        "this model's label is 0 or 1, and column {column} is not",
        'columns that are: {nearest}; or use kind = "linear"',
    ),
    "request.label_number": Text(
        "线性回归的标签须是有公开界限的数，列 {column} 不是",
        "可作标签的列：{nearest}",
        "the label of a linear regression is a number with public bounds, and column {column} is not",
        "columns that are: {nearest}",
    ),
    "request.table_without_id": Text(
        "数据表 {table} 没有声明 id 列，无法划分训练行与测试行",
        "请数据提供部门在 federation.toml 中为该表写明 id",
        "table {table} declares no id column, so rows cannot be held out",
        "ask its holders to declare id for the table in federation.toml",
    ),
    "request.protection_lab": Text(
        'protection = "none" 只允许在声明了 lab = true 的实验联邦中使用',
        '请用 protection = "masks" 或 "paillier"',
        'protection = "none" is for a federation that declares lab = true only',
        'use protection = "masks" or "paillier"',
    ),
    "request.model_missing": Text(
        "找不到模型文件 {path}",
        "请核对路径；keyong train 结束时会打印它",
        "there is no model file {path}",
        "check the path; keyong train prints it at the end",
    ),
    "request.no_model": Text(
        "这不是一个模型文件，或它已被改动",
        "请给出 keyong train 写出的 .keyong 文件",
        "this is no model file, or it was altered",
        "name a .keyong file that keyong train wrote",
    ),
    "request.model_differs": Text(
        "模型与 {what} 不一致：输入的含义已经改变",
        "请按当前的作业文件与目录重新训练",
        "the model does not fit {what}: its inputs would mean something else",
        "train anew with this job file and catalogue",
    ),
    "request.bands": Text(
        "分档点须是 1 到 {maximum} 个从小到大的数",
        "形如：--bands 0.2,0.5",
        "bands are 1 to {maximum} ascending numbers",
        "write, for example, --bands 0.2,0.5",
    ),
    "request.lab_file": Text(
        "作业文件的键 {key}：对照数据 {path} 无法读取",
        "请更正路径与列名，或删去 [lab]；它只用于对照",
        "job file, key {key}: the rows to compare with cannot be read from {path}",
        "correct the path and the columns, or leave [lab] out; it only compares",
    ),
}
