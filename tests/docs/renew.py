"""`make pages`: what stands between markers, from the recordings and the settings as they are now."""

from tests.docs import settings_reference
from tests.docs.pages import pages, rendered


def renew() -> None:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        try:
            new = rendered(text)
        except (AssertionError, KeyError, FileNotFoundError) as error:
            raise SystemExit(f"{page}: {error}") from None
        if page == settings_reference.PAGE:
            new = settings_reference.renewed(new)
        if new != text:
            page.write_text(new, encoding="utf-8")
            print(f"renewed {page}")


if __name__ == "__main__":
    renew()
