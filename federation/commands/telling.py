"""The demonstration as it is told on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from federation import demo
from federation.analyst import Result
from federation.commands.frame import Command
from federation.commands.query import print_answer
from federation.commands.run import print_result
from federation.drills.record import DrillReport
from federation.errors import KeyongError
from federation.messages import Dataset
from federation.plan import ScriptPlan
from federation.scripting.result import ScriptResult
from federation.scripting.trial import Trial


def telling_on(command: Command) -> demo.Teller:
    """Tell on a terminal."""
    return _Telling(command)


class _Telling:
    """Tells the demonstration on the terminal; silent for --json."""

    def __init__(self, command: Command) -> None:
        self._command, self._stage = command, 0

    def _print(self, zh: str, en: str, style: str = "") -> None:
        if not self._command.json:
            self._command.out.print(Text(self._command.say(zh, en), style=style))

    def stage(self, zh: str, en: str) -> None:
        self._stage += 1
        self._print(f"\n{self._stage}. {zh}", f"\n{self._stage}. {en}", "bold")

    def ready(self, party: str) -> None:
        self._print(f"   ✔ {party} 就绪", f"   ✔ {party} is ready", "green")

    def asked(self, question: demo.Question, result: Result | None, asked: demo.Asked) -> None:
        if self._command.json:
            return
        self._print(f"\n   {question.zh}", f"\n   {question.en}")
        self._command.out.print(Text(f"   {question.sql}", style="dim"))
        if result is None:
            self._print(
                "   每个组都低于最小分组，闸门没有发布", "   every group is too small; the release gate let nothing out"
            )
            return
        print_answer(self._command, result)
        if asked.different:
            self._print(f"   ✖ {asked.different} 个数值与明文不同", f"   ✖ {asked.different} numbers differ", "red")
        else:
            self._print(
                f"   ✔ {asked.compared} 个数值与明文答案一致",
                f"   ✔ {asked.compared} numbers equal the clear answer",
                "green",
            )

    def refused(self, refusal: demo.Refusal, error: KeyongError | None) -> None:
        if error is None:
            self._print(f"   ✖ 未被拒绝：{refusal.zh}", f"   ✖ not refused: {refusal.en}", "red")
            return
        self._print(f"   ✔ 已拒绝：{refusal.zh}", f"   ✔ refused: {refusal.en}", "green")
        language = self._command.language
        self._print(f"     {error.message(language)}", f"     {error.message(language)}", "dim")

    def stopped(self, stopped: demo.Stopped, error: KeyongError | None) -> None:
        if error is None:
            self._print(f"   ✖ 未中止：{stopped.sql}", f"   ✖ not stopped: {stopped.sql}", "red")
            return
        language = self._command.language
        after = f"（{stopped.seconds} 秒）", f" ({stopped.seconds} s)"
        self._print(f"   ✔ {error.message(language)}{after[0]}", f"   ✔ {error.message(language)}{after[1]}", "green")

    def catalogued(self, datasets: Sequence[Dataset]) -> None:
        holders = Counter(dataset.name.partition(".")[2] for dataset in datasets)
        zh = "、".join(f"{table}（{count}）" for table, count in holders.items())
        en = ", ".join(f"{table} ({count})" for table, count in holders.items())
        self._print(
            f"   {len(datasets)} 个数据集，按表与部门数：{zh}；各有数据卡与模拟样例：keyong catalogue tax.pit",
            f"   {len(datasets)} datasets, by table and departments: {en}; each with a card and made-up rows:"
            " keyong catalogue tax.pit",
        )

    def trained(self, trained: demo.Trained) -> None:
        style, mark = ("green", "✔") if trained.holds else ("red", "✖")
        federated, pooled = (f"{area:.4f}" if area is not None else "–" for area in (trained.federated, trained.pooled))
        alone = f"{trained.best_alone:.4f}" if trained.best_alone is not None else "–"
        self._print(
            f"   {mark} {trained.departments} 个部门，{trained.rounds} 轮，成对掩码，{trained.seconds:.1f} 秒；"
            f"在留出的 {trained.rows} 行上 AUC {federated}，汇总明文训练 {pooled}，单个部门最好 {alone}",
            f"   {mark} {trained.departments} departments, {trained.rounds} rounds, masks, {trained.seconds:.1f} s;"
            f" on {trained.rows} rows held out AUC {federated}, learnt from pooled rows {pooled}, best alone {alone}",
            style,
        )

    def reviewed(self, plan: ScriptPlan, trial: Trial) -> None:
        files = ", ".join(f"{file.name} {file.sha256[:12]}…" for file in plan.files)
        self._print(
            f"   审阅：{plan.requester} 申请在 {plan.dataset} 上运行 {files}；在模拟样例上试运行：{trial.ran.status}，"
            f"{trial.ran.seconds:.1f} 秒",
            f"   review: {plan.requester} asks to run {files} on {plan.dataset}; tried on made-up rows:"
            f" {trial.ran.status}, {trial.ran.seconds:.1f} s",
        )

    def scripted(self, ran: demo.ScriptRun, result: ScriptResult, refusal: KeyongError | None) -> None:
        if self._command.json:
            return
        print_result(self._command, result)
        mark, style = ("✖", "red") if ran.different else ("✔", "green")
        self._print(
            f"   {mark} {ran.compared} 个数值在发布的位数内与明文答案一致；恶意脚本最多可夹带 {ran.capacity_bits} 比特",
            f"   {mark} {ran.compared} numbers equal the clear answer to the digits released; a hostile script could"
            f" have hidden {ran.capacity_bits} bits at most",
            style,
        )
        if refusal is None:
            self._print("   ✖ 带出明细的脚本未被拦下", "   ✖ the script that copies rows out was let through", "red")
            return
        self._print(
            "   ✔ 另一个脚本在样例上规规矩矩，在真实数据上想带出明细：已拦下",
            "   ✔ another script behaves on made-up rows and copies rows out on true ones: stopped",
            "green",
        )
        self._print(f"     {refusal.message('zh')}", f"     {refusal.message('en')}", "dim")

    def unscripted(self, error: KeyongError) -> None:
        self._print(f"   ○ {error.message('zh')}", f"   ○ {error.message('en')}", "yellow")

    def drilled(self, report: DrillReport) -> None:
        attacks = sum(one.expected for one in report.outcomes)
        style = "red" if report.failed else "green"
        mark = "✖" if report.failed else "✔"
        self._print(
            f"   {mark} {attacks} 次攻击发现 {report.caught} 次；另有 {report.missed} 次本来就发现不了："
            "keyong drill record 逐项列出",
            f"   {mark} {report.caught} of {attacks} attacks caught; {report.missed} that nothing can catch:"
            " keyong drill record lists them all",
            style,
        )

    def handed_over(self, handed: demo.HandedOver) -> None:
        self._print(
            f"   证据包 {handed.bundle}（{handed.bytes:,} 字节）", f"   bundle {handed.bundle} ({handed.bytes:,} bytes)"
        )
        self._print(f"   部门名片 {handed.cards}", f"   departments' cards {handed.cards}")
        mark, style = ("✔", "green") if handed.accepted else ("✖", "red")
        self._print(f"   {mark} {handed.said}", f"   {mark} {handed.said}", style)
