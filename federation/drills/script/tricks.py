"""The table of attacks on a result, and of what no rule can stop."""

from __future__ import annotations

from federation.drills.script import results
from federation.drills.script.results import Trick
from federation.drills.wording import Wording

_SHAPE = Wording("只放行约定的列与行数", "only the columns that were agreed to, and as many lines")
_KEYS = Wording("每行须是一个公开取值，且只出现一次", "each line is a public value's, and each value has one line")
_COUNTED = Wording("部门自己清点各组人数，不信脚本所写", "the department counts the groups itself, whatever is written")
_FROZEN = Wording(
    "运行前核对冻结文件与批准的哈希", "the frozen files are held against the approved hash before they run"
)

TRICKS = (
    Trick(
        name="rows",
        title=Wording("输出明细行，而不是分组", "rows instead of groups"),
        stops=_SHAPE,
        play=results.rows,
    ),
    Trick(
        name="renamed-rows",
        title=Wording("套用约定的列名，一人一行", "a line for each person under the columns that were agreed to"),
        stops=_SHAPE,
        play=results.renamed_rows,
    ),
    Trick(
        name="identities",
        title=Wording("用身份证号作分组", "identity numbers for groups"),
        stops=_KEYS,
        play=results.identities,
    ),
    Trick(
        name="twice",
        title=Wording("同一组写多行，每行一人", "one group in several lines, of a person each"),
        stops=_KEYS,
        play=results.twice,
    ),
    Trick(
        name="text",
        title=Wording("在数值格里写文字", "text where a number belongs"),
        stops=Wording("数值格只收十进制数", "a number is a decimal number"),
        play=results.text,
    ),
    Trick(
        name="too-large",
        title=Wording("过大的结果", "a result that is too large"),
        stops=Wording("结果不超过 1 MiB", "a result has 1 MiB at most"),
        play=results.too_large,
    ),
    Trick(
        name="raw-cell",
        title=Wording("把身份证号写成数值", "an identity number as a number"),
        stops=Wording(
            "舍入之前在原文中搜索抽样单元格的指纹（只抽样：防失误，不防对手）",
            "sampled cells are searched in the text before rounding (a sample: against mistakes, not adversaries)",
        ),
        play=results.raw_cell,
    ),
    Trick(
        name="small-group",
        title=Wording("发布过小的组，谎报人数", "a group that is too small, said to be large"),
        stops=_COUNTED,
        play=results.small,
    ),
    Trick(
        name="complement",
        title=Wording("用合计减去其余各组，推出小组", "a small group as the total less all others"),
        stops=Wording("再扣下一组，使差不可得", "one more group is withheld, so that there is no difference to take"),
        play=results.complement,
    ),
    Trick(
        name="ghost",
        title=Wording("借没有人的组夹带", "something hidden in the line of a group that nobody is in"),
        stops=_COUNTED,
        play=results.ghost,
    ),
    Trick(
        name="low-digits",
        title=Wording("藏在数值的低位", "an identity number behind the digits that count"),
        stops=Wording("只留批准的有效数字，其后全部舍去", "rounded to the significant digits that were approved"),
        play=results.low_digits,
    ),
    Trick(
        name="spelling",
        title=Wording("藏在行序、写法、换行里", "bits in the order of lines, in spelling, in line ends"),
        stops=Wording("结果由部门按唯一写法重写", "the table is written anew, in the one way there is"),
        play=results.spelling,
    ),
    Trick(
        name="swapped",
        title=Wording("批准之后替换脚本", "the script is exchanged after its approval"),
        stops=_FROZEN,
        play=results.swapped,
    ),
    Trick(
        name="shadowed",
        title=Wording("在脚本旁放一个假的 pandas", "a false pandas is laid beside the script"),
        stops=_FROZEN,
        play=results.shadowed,
    ),
    Trick(
        name="channel",
        title=Wording("藏在发布的数字本身里", "hidden in the very digits that are released"),
        stops=Wording(
            "挡不住：三行两列、四位有效数字的表确能带出这么多；计划、审批台与结果都写明上限，审阅代码的人是唯一的防线",
            "nothing can: so much is in a table of three lines, two columns and four digits; plan, desk and result"
            " name the bound, and whoever reads the code is the only guard",
        ),
        play=results.channel,
        expected=False,
    ),
    Trick(
        name="one-person",
        title=Wording("在大组那一行里写一个人的收入", "one person's income in the line of a large group"),
        stops=Wording(
            "挡不住：规则看不出一个数说的是谁，只有读代码的人看得出；留下的是四位数字",
            "nothing can: no rule sees whom a number is about, only who reads the code; four digits of it leave",
        ),
        play=results.one_person,
        expected=False,
    ),
    Trick(
        name="refusal",
        title=Wording("借被拒的原因传话", "a word in which rule is broken"),
        stops=Wording(
            "挡不住：申请方会得知拒绝的代码，每次运行至多几个比特；每次运行都须批准，并留痕",
            "nothing can: the requester learns the code, a few bits for each run, every one of which is approved"
            " and on record",
        ),
        play=results.refusal,
        expected=False,
    ),
    Trick(
        name="time",
        title=Wording("借运行了多久传话", "a word in how long it runs"),
        stops=Wording(
            "挡不住：结果只写整秒，协调方却看得到时刻；每次运行几个比特",
            "nothing can: the result tells whole seconds, but the coordinator sees the clock; a few bits for each run",
        ),
        play=results.time,
        expected=False,
    ),
)
