"""The dashboard's entry script: the frame around every page. A new page is one file in views/ and one line here."""

from pathlib import Path

import streamlit as st

from dashboard import blocks, i18n, signing_in, style
from dashboard.components import document
from dashboard.i18n import _
from dashboard.services import sessions

HERE = Path(__file__).parent

st.set_page_config(
    page_title="可用 Keyong",
    page_icon=str(HERE / "static" / "mark.svg"),  # a Material icon here would be fetched from outside
    layout="wide",
    initial_sidebar_state=220,
)
style.sheet()
i18n.enter()
sessions.touch()  # a page that renews itself does not come by here

pages = [
    st.Page(HERE / "views" / "overview.py", title=_("总览"), icon=":material/fact_check:", default=True),
    st.Page(HERE / "views" / "flow.py", title=_("数据流向"), icon=":material/hub:"),
    st.Page(HERE / "views" / "catalogue.py", title=_("数据目录"), icon=":material/menu_book:"),
    st.Page(HERE / "views" / "training.py", title=_("联合训练"), icon=":material/model_training:"),
    st.Page(HERE / "views" / "approvals.py", title=_("授权审批"), icon=":material/approval:"),
    st.Page(HERE / "views" / "audit.py", title=_("审计存证"), icon=":material/account_tree:"),
    st.Page(HERE / "views" / "nodes.py", title=_("节点与运维"), icon=":material/dns:"),
]
page = st.navigation(pages, position="hidden")  # its own list has no place for the brand
with st.sidebar:
    blocks.brand(_("可用 Keyong"), _("数据可用不可见"))
    for one in pages:
        st.page_link(one)
    signing_in.box()
    i18n.choose()
    document.speak(i18n.language())
page.run()
