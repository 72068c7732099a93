"""What exchanges are called in releases, feeds and titles, and which symbols they share.

A region is the set of venues that share one symbol space, by the suffix that Reuters and Yahoo
put behind its symbols; where they have none, by the venue's MIC (ISO 10383).
"""

from __future__ import annotations

from typing import Final

_NAMES: Final = {
    "US": "nyse|nasdaq|amex|nasd|nasdaqgs|nasdaqgm|nasdaqcm|nasdaq gs|nasdaq gm|nasdaq cm"
    "|nasdaq global select market|nasdaq global select|nasdaq global market|nasdaq capital market"
    "|nasdaq stock market|new york stock exchange|nyse american|nyse mkt|nyse amex|nyse arca"
    "|nysearca|nyseamerican|cboe|cboe bzx|bats|otc|otcbb|otcqb|otcqx|otcpk|otc pink|otcpink"
    "|otcmkts|otc markets|other otc|pink sheets|otcid",
    "HK": "hkex|hkse|sehk|hkg|hk|hong kong|hong kong stock exchange",
    "L": "lse|lon|aim|london stock exchange",
    "TO": "tsx|toronto stock exchange",
    "V": "tsx-v|tsxv|tsx venture|tsx venture exchange",
    "CN": "cse|canadian securities exchange",
    "T": "tse|tyo|tokyo stock exchange",
    "AX": "asx",
    "DE": "fra|etr|xetra|fwb|fse|frankfurt|frankfurt stock exchange",
    "PA": "epa|euronext paris",
    "AS": "euronext amsterdam",
    "BR": "euronext brussels",
    "LS": "euronext lisbon",
    "IR": "euronext dublin",
    "OL": "oslo|ose|oslo bors|euronext oslo",
    "ST": "stockholm|nasdaq stockholm",
    "HE": "helsinki|nasdaq helsinki",
    "CO": "copenhagen|nasdaq copenhagen",
    "S": "six|six swiss exchange",
    "TA": "tase",
    "SI": "sgx",
    "NS": "nse",
    "BO": "bse",
    "SS": "sse",
    "SZ": "szse",
}
REGION_OF_EXCHANGE: Final = {
    name: region for region, names in _NAMES.items() for name in names.split("|")
}

_MICS: Final = {
    "US": "XNYS XNAS XASE ARCX BATS IEXG XNGS XNMS XNCM OTCM PINX OOTC XOTC",
    "HK": "XHKG",
    "L": "XLON",
    "TO": "XTSE",
    "V": "XTSX",
    "CN": "XCNQ",
    "T": "XTKS",
    "AX": "XASX",
    "DE": "XETR XFRA",
    "PA": "XPAR",
    "AS": "XAMS",
    "BR": "XBRU",
    "LS": "XLIS",
    "IR": "XDUB",
    "OL": "XOSL",
    "ST": "XSTO",
    "HE": "XHEL",
    "CO": "XCSE",
    "S": "XSWX",
    "TA": "XTAE",
    "SI": "XSES",
    "NS": "XNSE",
    "BO": "XBOM",
    "SS": "XSHG",
    "SZ": "XSHE",
}
REGION_OF_MIC: Final = {mic: region for region, mics in _MICS.items() for mic in mics.split()}
