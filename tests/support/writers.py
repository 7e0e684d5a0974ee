"""What each process does in a test of many writers; alone, so that it starts fast."""

import privacy_sdk as ps


def exclude_one_by_one(url: str, token: str, process: int, count: int) -> list[str]:
    """The dhashes with which a gateway acknowledged so many exclusions."""
    client = ps.Client.from_account(ps.HttpAccount(url, token=token, account="demo"))
    people = (f"{999_000_000_000_000 + process * 1_000 + n}@lid" for n in range(count))
    with client:
        return [client.exclude("last", person).dhash for person in people]
