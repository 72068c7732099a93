"""What reaches the people who are told: links and words that a chat takes for commands."""

from __future__ import annotations

import json
from pathlib import Path

from tests.attack.registry import attack, hold
from tests.attack.running import System
from tests.delivery.receiver import receiving

LINK = "https://x.example/a|<!channel>|%3C!here%3E?q=<https://evil.example|click>"
TITLE = "Alibaba <!channel> lifts outlook *now* <https://evil.example|here> @everyone &lt;!here&gt;"


@attack("low", "no `|`, `<`, `>` in a link, no `<!` in any word that is told", limit_s=90)
def links_that_slack_reads(base: Path) -> None:
    """A headline whose link and title Slack would obey becomes the first cause of an alert."""
    with receiving() as receiver:
        hook = (
            f'[[webhooks]]\nname = "hook"\nurl = "{receiver.url}"\nsecret_env = "NEWSQUAKE_HOOK"\n'
        )
        system = System(base, hook)
        with system.run() as run:
            run.up()
            stamp_ns = system.now_ns() - 60_000_000_000
            run.line(
                title=TITLE, url=LINK, id="1", source="reuters.com", symbols="NYSE:BABA",
                published=stamp_ns // 1_000_000_000,
            )  # fmt: skip
            run.answers()
            run.rise()
            run.until(lambda: receiver.got, 25, "nothing is told")
            run.ends()
        told = [json.loads(got.body) for got in receiver.got]
    words = [x["annotations"] for x in told]
    links = [x.get("headline_url", "") for x in words]
    links += [c["url"] for x in told for c in x["alert"]["attribution"]["candidates"]]
    hold(any("headline" in x for x in words), f"no alert names the headline: {words[:1]}")
    hold(not any(set("|<> ") & set(link) for link in links), f"a link as it came: {max(links)}")
    text = json.dumps(told, ensure_ascii=False)
    hold("<!" not in text and "<http" not in text, "markup as it came")
