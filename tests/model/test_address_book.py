"""Names of one's own: read from a mapping or a file, shown before a number, and never passed on."""

import pickle

import pytest

import privacy_sdk as ps
from privacy_sdk.model.address_book import AddressBook
from privacy_sdk.support.names import read_names

ANA, BO = "+999 11 555 0101", "+999 11 555 0102"

VCARDS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Lima;Ana;;;\r\nFN:Ana Lima\r\n"
    "TEL;TYPE=CELL;waid=999115550101:+999 11 555 0101\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=5A=6F=C3=AB\r\n"
    "TEL;CELL:+999115550102\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Bo\r\nTEL;VALUE=uri;TYPE=cell:tel:+999-11-555-0103\r\n"
    "END:VCARD\r\n"
)
CSVS = {
    "Google": "First Name,Last Name,Phone 1 - Value\nAna,Lima,+999 11 555 0101 ::: +999115550109\n"
    "Zoë,,+999115550102\nBo,,+999115550103\n",
    "with semicolons": "Name;Tel\nAna Lima;+999 11 555 0101\nZoë;+999115550102\nBo;+999115550103",
    "without a header": "+999115550101,Ana Lima\n+999115550102,Zoë\n+999115550103,Bo\n",
    "of JIDs": "name,jid\nAna Lima,999115550101@s.whatsapp.net\n"
    "Zoë,999115550102@s.whatsapp.net\nBo,999115550103@s.whatsapp.net\n",
}


@pytest.mark.parametrize("text", [VCARDS, *CSVS.values()], ids=["vCards", *CSVS])
def test_contacts_are_read_from_a_file(tmp_path, text):
    path = tmp_path / "contacts"
    path.write_bytes(text.encode("utf-8-sig"))
    book = read_names(path)
    for name, number in (("zoë", "999115550102"), ("BO", "999115550103")):
        assert book.find(name) == ps.Jid.phone(number)
    assert book.name(ps.Jid.phone("999115550101")) == "Ana Lima"


def test_numbers_without_a_country_code_are_counted_and_not_guessed(tmp_path):
    path = tmp_path / "contacts.csv"
    path.write_text("Name,Phone\nAna,0151 2345678\nBo,+999115550102\n")
    with pytest.warns(ps.PrivacyWarning, match="1 number in contacts.csv cannot be used"):
        assert len(read_names(path)) == 1


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\xff\xfe", b"BEGIN:VCARD\nFN:Ana\n"])
def test_a_file_without_contacts_is_an_error_that_quotes_nothing(tmp_path, content, caplog, capfd):
    path = tmp_path / "contacts.vcf"
    path.write_bytes(content)
    with pytest.raises(ps.InvalidInputError) as caught:
        read_names(path)
    assert "Ana" not in f"{caught.value}{caplog.text}{capfd.readouterr()}"


def test_a_mapping_may_go_either_way():
    for names in ({"Ana": ANA}, {ANA: "Ana"}, {"Ana": [ANA, "999115550101@s.whatsapp.net"][:1]}):
        assert AddressBook(names).label(ps.Jid.phone("999115550101")) == "Ana 99•••01"
    with pytest.raises(ps.errors.InvalidContactError, match=r"names\['Bo'\]: '11•••01' is not"):
        AddressBook({"Ana": ANA, "Bo": "11 5550 0101"})
    with pytest.raises(ps.errors.InvalidContactError, match="is no name"):
        AddressBook({"": ANA})


def test_a_name_of_several_people_finds_nobody():
    client = ps.Client.emulated(names={"Ana": [ANA, BO]})
    with pytest.raises(ps.errors.InvalidContactError) as caught:
        client.exclude("profile", "Ana")
    assert "'Ana' names 2 numbers: 99•••01, 99•••02." in caught.value.message
    assert client.fetch_privacy_settings().loc["profile", "value"] == "all"


def test_tables_plans_results_and_errors_name_people():
    client = ps.Client.emulated(names={"Ana": ANA, "Zoe": "+999 55 555 0155"})
    plan = client.plan({"exceptions": {"profile": ["Ana", BO]}})
    assert "Ana 99•••01, 99•••02" in repr(plan)
    applied = client.apply(plan)
    assert "Ana 99•••01, 99•••02" in repr(applied)
    assert "Ana 99•••01" in repr(applied.undo())
    frame = client.excluded("profile")
    assert frame["name"].tolist()[0] == "Ana"
    assert frame["name"].isna().tolist() == [False, True]
    with pytest.raises(ps.errors.InvalidContactError, match="has Zoe 99•••55"):
        client.include("last", "Zoe")
    assert "Ana 99•••01" in repr(client.visibility("Ana"))
    assert "Ana" not in repr(client.names)


def test_a_lid_whose_number_was_named_is_named(tmp_path):
    client = ps.Client.emulated(names={"Ana": ANA})
    client.exclude("profile", "Ana")
    assert client.names.label(ps.Jid.parse("999000000000001@lid")) == "Ana 99•••01"


def test_names_are_not_sent_recorded_or_logged(tmp_path, caplog):
    caplog.set_level(0)
    with ps.testing.running_gateway({"demo": ps.EmulatedAccount()}) as url:
        path = tmp_path / "my.yaml"
        with ps.Client(url, record=path, names={"Ana Lima": ANA}) as client:
            client.apply(client.plan({"exceptions": {"profile": ["ana lima"]}}))
            client.exclude("last", "Ana Lima")
            client.include("last", "Ana Lima")
            assert client.excluded("profile")["name"].tolist() == ["Ana Lima"]
    assert "na lima" not in path.read_text().lower()
    assert "na lima" not in caplog.text.lower()


def test_a_plan_with_names_equals_one_without():
    plan = ps.Client.emulated(names={"Ana": ANA}).plan({"last": "none"})
    assert plan == ps.Client.emulated().plan({"last": "none"})
    assert pickle.loads(pickle.dumps(plan)) == plan
