"""`make pages`: what stands between markers, from the recordings and the settings as they are now."""

from tests.docs import settings_reference
from tests.docs.pages import pages, rendered


def renew() -> None:
    """Every page, also where another one quotes what is not there."""
    failed = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        try:
            new = rendered(text)
        except (AssertionError, KeyError, FileNotFoundError) as error:
            failed.append(f"{page}: {error}")
            continue
        if page == settings_reference.PAGE:
            new = settings_reference.renewed(new)
        if new != text:
            page.write_text(new, encoding="utf-8")
            print(f"renewed {page}")
    if failed:
        raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    renew()
