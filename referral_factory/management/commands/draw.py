"""Draw the diagrams of ARCHITECTURE.md again, from the code."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from referral_factory.diagrams import redraw
from referral_factory.embedded import BASE_DIR

PAGE = BASE_DIR / "ARCHITECTURE.md"


class Command(BaseCommand):
    help = "Draws the diagrams of ARCHITECTURE.md from the code."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only say whether they are current"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        text = PAGE.read_text()
        drawn = redraw(text)
        if check and drawn != text:
            raise CommandError("ARCHITECTURE.md is out of date: run manage.py draw.")
        PAGE.write_text(drawn)
