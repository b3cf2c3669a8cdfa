from __future__ import annotations

import logging

from federation import assemble


def test_a_partys_log_is_turned_over_and_three_old_ones_are_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(assemble, "MAX_LOG_BYTES", 1_000)
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    try:
        assemble._keep_log()
        for number in range(200):
            logging.getLogger("test").warning("refused a request, number %d", number)
    finally:
        for handler in root.handlers:
            handler.close()
        root.level, root.handlers = before[0], before[1]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log.txt", "log.txt.1", "log.txt.2", "log.txt.3"]
    assert all(file.stat().st_size <= 1_000 for file in tmp_path.iterdir())
    assert "number 199" in (tmp_path / "log.txt").read_text()
