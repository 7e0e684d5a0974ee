"""Settings as HTML."""

import privacy_sdk as ps
from privacy_sdk.views.html import settings_table


def test_long_and_hostile_text_is_cut_and_escaped():
    settings = [ps.PrivacySetting(ps.PrivacyCategory("<b>" * 1_000), ps.PrivacyValue("x" * 9_999))]
    table = settings_table(settings, "<title>").as_html()
    assert "<b>" not in table
    assert "<title>" not in table
    assert len(table) < 5_000
