"""The listings of the demo day and the levels their invented trades run through.

Published levels of Alibaba on 24 September 2025 (press reports of that day): Hong Kong previous
close 159.40, open 158.50, high 174.90, close 174.00; New York previous close 163.08, first
pre-market prints near 178.01, open 175.98, high 180.16, close 176.44. Everything between them,
and every level of every other listing, is invented.
"""

from __future__ import annotations

from agents.demo.prices import Band, Burst, ListingDay, Print, TradingSpan

HK_AUCTION_AT = "08:08:37"  # the closing auction matches at a random time from 08:08 to 08:10 UTC
HK_AUCTION_SIZES = tuple(100 * (3 + 7 * k * k % 41) for k in range(24))

ALIBABA_HK = ListingDay(
    symbol="9988",
    mic="XHKG",
    tape="",
    previous_close=159.40,
    price_tick=0.1,
    minute_noise=0.0004,
    beta=1.0,
    phases=(
        TradingSpan("01:30:00.100", "04:00:00", 13_000),
        TradingSpan("05:00:00.100", "07:59:59", 11_000),
    ),
    anchors=(
        ("01:30:00", 158.6),
        ("01:34:00", 159.0),
        ("01:42:00", 158.8),
        ("01:50:00", 159.1),
        ("01:58:00", 158.8),
        ("02:05:00", 158.8),
        ("02:06:20", 158.8),
        ("02:07:30", 159.9),
        ("02:09:30", 162.2),
        ("02:12:00", 164.1),
        ("02:14:00", 165.0),
        ("02:20:00", 165.6),
        ("02:23:00", 166.5),
        ("02:28:00", 167.5),
        ("02:34:00", 168.6),
        ("02:40:00", 169.2),
        ("02:43:00", 170.5),
        ("02:47:00", 171.7),
        ("02:52:00", 172.5),
        ("03:05:00", 172.9),
        ("03:15:00", 173.5),
        ("03:35:00", 174.1),
        ("04:00:00", 173.5),
        ("05:00:00", 173.6),
        ("05:30:00", 173.2),
        ("06:10:00", 173.9),
        ("06:41:23", 174.8),
        ("07:05:00", 174.2),
        ("07:30:00", 173.8),
        ("08:00:00", 174.0),
    ),
    prints=(
        Print("01:30:00", 158.50, 1_842_300, "XHKG"),
        Print("06:41:23.418", 174.90, 2_600, "XHKG"),
        Print("07:59:59.741", 174.00, 800, "XHKG"),
        *(Print(HK_AUCTION_AT, 174.00, 100 * size, "XHKG") for size in HK_AUCTION_SIZES),
    ),
    bursts=(Burst("02:06:00", "02:16:00", 3.0), Burst("02:20:00", "03:00:00", 1.6)),
    bands=(
        Band("01:30:00", "02:05:00", 158.5, 159.4),
        Band("02:05:00", "02:06:40", 158.5, 159.3),
        Band("02:06:40", "08:00:00", 158.7, 174.8),
    ),
    bad_print=Print("05:52:11", 192.00, 500, "XHKG"),
)

ALIBABA_NY = ListingDay(
    symbol="BABA",
    mic="XNYS",
    tape="cta",
    previous_close=163.08,
    price_tick=0.01,
    minute_noise=0.0003,
    beta=0.8,
    phases=(
        TradingSpan("08:00:06", "13:29:59.500", 5_000, "u", extended=True),
        TradingSpan("13:30:00.100", "19:59:59.500", 22_000),
        TradingSpan("20:00:06", "23:59:40", 1_200, "fall", extended=True),
    ),
    anchors=(
        ("08:00:00", 178.00),
        ("08:30:00", 178.45),
        ("09:40:00", 178.90),
        ("10:40:00", 178.15),
        ("11:40:00", 177.50),
        ("12:30:00", 177.10),
        ("13:10:00", 176.75),
        ("13:29:59", 176.35),
        ("13:30:00", 175.98),
        ("13:34:00", 176.20),
        ("13:50:00", 177.40),
        ("14:15:00", 178.50),
        ("14:40:00", 179.45),
        ("15:12:48", 180.08),
        ("15:45:00", 179.40),
        ("17:00:00", 178.60),
        ("18:30:00", 177.70),
        ("19:30:00", 176.90),
        ("20:00:00", 176.44),
        ("21:00:00", 176.60),
        ("23:59:59", 176.20),
    ),
    prints=(
        Print("08:00:00.731", 178.01, 300, "P", "@T"),
        Print("08:00:00.902", 178.05, 200, "Q", "@T"),
        Print("08:00:01.144", 177.98, 100, "K", "@T"),
        Print("08:00:01.530", 178.02, 400, "P", "@T"),
        Print("08:00:02.015", 177.95, 100, "Q", "@T"),
        Print("08:00:02.877", 178.00, 150, "D", "@T"),
        Print("08:00:04.206", 178.06, 200, "P", "@T"),
        Print("13:30:00", 175.98, 412_700, "N", "O"),
        Print("13:30:00", 175.98, 412_700, "N", "Q"),
        Print("15:12:48.250", 180.16, 300, "N", "@"),
        Print("19:59:59.882", 176.44, 200, "N", "@"),
        Print("20:00:02.964", 176.44, 1_905_400, "N", "6"),
        Print("20:00:03.011", 176.44, 1_905_400, "N", "M"),
    ),
    bursts=(Burst("08:00:00", "08:20:00", 2.5), Burst("14:25:00", "15:20:00", 1.5)),
    bands=(
        Band("08:00:00", "13:30:00", 176.13, 179.30),
        Band("13:30:00", "20:00:00", 175.80, 180.15),
        Band("20:00:00", "24:00:00", 175.60, 177.20),
    ),
    bad_print=Print("17:21:40", 147.50, 300, "D", "@"),
)

TENCENT_HK = ListingDay(
    symbol="700",
    mic="XHKG",
    tape="",
    previous_close=636.50,
    price_tick=0.5,
    minute_noise=0.0002,
    beta=1.0,
    phases=(
        TradingSpan("01:30:00.100", "04:00:00", 3_200),
        TradingSpan("05:00:00.100", "07:59:59", 2_800),
    ),
    anchors=(
        ("01:30:00", 635.0),
        ("02:05:00", 636.0),
        ("03:00:00", 640.0),
        ("04:00:00", 642.0),
        ("05:00:00", 641.5),
        ("06:30:00", 644.0),
        ("08:00:00", 643.0),
    ),
    prints=(
        Print("01:30:00", 635.00, 402_100, "XHKG"),
        Print("07:59:59.620", 643.00, 300, "XHKG"),
        *(Print(HK_AUCTION_AT, 643.00, 100 * size, "XHKG") for size in HK_AUCTION_SIZES[:12]),
    ),
)


def _us_line(
    symbol: str,
    tape: str,
    previous_close: float,
    percents: tuple[float, float, float, float],
    trades: int,
    beta: float = 1.0,
    minute_noise: float = 0.0002,
) -> ListingDay:
    """Make a quiet US day; `percents` = pre-market, open, midday and close against the previous."""
    pre, opening, midday, close = (round(previous_close * (1 + p / 100), 2) for p in percents)
    primary = "N" if tape == "cta" else "Q"
    auction = 40 * trades
    return ListingDay(
        symbol=symbol,
        mic="XNYS" if tape == "cta" else "XNAS",
        tape=tape,
        previous_close=previous_close,
        price_tick=0.01,
        minute_noise=minute_noise,
        beta=beta,
        phases=(
            TradingSpan("08:00:01", "13:29:59.500", trades // 12, "rise", extended=True),
            TradingSpan("13:30:01", "19:59:59.500", trades),
            TradingSpan("20:00:06", "23:59:00", trades // 25, "fall", extended=True),
        ),
        anchors=(
            ("08:00:00", previous_close),
            ("10:45:00", pre),
            ("13:30:00", opening),
            ("16:45:00", midday),
            ("20:00:00", close),
            ("23:59:59", close),
        ),
        prints=(
            Print("13:30:00.350", opening, auction, primary, "O"),
            Print("13:30:00.350", opening, auction, primary, "Q"),
            Print("20:00:00.480", close, 3 * auction, primary, "6"),
            Print("20:00:01.020", close, 3 * auction, primary, "M"),
        ),
    )


OTHERS = (
    TENCENT_HK,
    _us_line("JD", "utp", 34.05, (0.3, 0.5, 1.0, 1.1), 3_200),
    _us_line("BIDU", "utp", 131.40, (0.4, 0.6, 1.2, 0.9), 3_000),
    _us_line("PDD", "utp", 130.20, (0.2, 0.4, 0.7, 0.8), 3_200),
    _us_line("NVDA", "utp", 178.43, (0.4, 0.7, -0.3, -0.7), 5_800, 1.4),
    _us_line("AMZN", "utp", 220.71, (0.1, 0.2, -0.3, -0.2), 4_600, 1.2),
    _us_line("GOOGL", "utp", 251.66, (-0.1, -0.3, -1.0, -1.3), 4_400, 1.1),
    _us_line("MSFT", "utp", 509.23, (0.1, 0.2, 0.0, 0.2), 4_200, 1.0),
    _us_line("META", "utp", 755.40, (0.1, 0.3, 0.5, 0.7), 3_800, 1.2),
    _us_line("AAPL", "utp", 254.43, (0.1, 0.3, -0.4, -0.8), 5_400, 1.1),
)

MARKET_HK = ListingDay(
    symbol="2800",
    mic="XHKG",
    tape="",
    previous_close=26.60,
    price_tick=0.02,
    minute_noise=0.00002,
    beta=1.0,
    phases=(
        TradingSpan("01:30:00.100", "04:00:00", 2_400),
        TradingSpan("05:00:00.100", "07:59:59", 2_200),
    ),
    anchors=(
        ("01:30:00", 26.56),
        ("02:05:00", 26.58),
        ("03:00:00", 26.76),
        ("04:00:00", 26.84),
        ("05:00:00", 26.84),
        ("06:40:00", 26.92),
        ("08:00:00", 26.90),
    ),
    prints=(
        Print("01:30:00", 26.56, 210_500, "XHKG"),
        Print("07:59:59.310", 26.90, 500, "XHKG"),
        *(Print(HK_AUCTION_AT, 26.90, 100 * size, "XHKG") for size in HK_AUCTION_SIZES[:8]),
    ),
)

MARKET_US = _us_line("SPY", "cta", 663.21, (0.05, 0.1, -0.1, -0.25), 7_400, 1.0, 0.00002)

LINES = (MARKET_US, MARKET_HK, ALIBABA_HK, ALIBABA_NY, *OTHERS)
