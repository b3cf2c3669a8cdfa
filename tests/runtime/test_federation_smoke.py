import pytest

pytestmark = pytest.mark.xdist_group("federation")


def test_six_bureaus_answer_one_query(federation):
    result = federation.ask("SELECT COUNT(*) FROM hukou")
    assert result.answer.rows == ((4000,),)
