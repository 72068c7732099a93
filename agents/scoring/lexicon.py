"""Word lists of the finance-aware direction score, written by hand.

Three ideas carry it: a movement word (`rose`, `cuts`) says which way, the metric it moves says
whether that way is good (profit) or bad (loss, cost), and a few hundred words are good or bad
news by themselves. Weights are judgements in [-2, 2]; 1 is an ordinary piece of evidence.
"""

from __future__ import annotations


def _table(**groups: str) -> dict[str, float]:
    """Turn `p10="word word"` groups into word -> weight: p = plus, n = minus, tenths."""
    table: dict[str, float] = {}
    for name, words in groups.items():
        weight = int(name[1:]) / 10 * (1 if name[0] == "p" else -1)
        table.update(dict.fromkeys(words.split(), weight))
    return table


def _verbs(stems: str) -> str:
    """Spell out the regular forms of verbs: jump -> jump jumps jumped jumping."""
    forms = []
    for stem in stems.split():
        bare = stem.removesuffix("e")
        third = stem + ("es" if stem.endswith(("s", "sh", "ch", "x", "z")) else "s")
        forms += [stem, third, bare + "ed", bare + "ing"]
    return " ".join(forms)


# What goes up or down, seen from the thing that moves.
MOVEMENT = _table(
    p10=_verbs(
        "jump climb gain surge soar rally advance rebound increase accelerate expand zoom spike"
        " rocket skyrocket recover bounce double triple quadruple improve strengthen swell extend"
        " appreciate grow mount escalate "
    )
    + " rise rises rose risen rising grew grown up higher highs upward uptick upturn"
    " upswing uptrend rallies rallied increased gains jumped improved improvement recovery leap"
    " leaps leaped leapt shot upsurge doubling tripling recoveries climbed expansion ascend lifted"
    " skyrockets spurt spurts upped hike hikes hiked hiking",
    n10=_verbs(
        "decline plunge slump tumble plummet sink weaken slid decrease crash tank lag sag slow"
        " shrink retreat ease dent erode dwindle recede drift skid halve"
        " depreciate slacken moderate crumble crater nosedive"
    )
    + " fall falls fell fallen falling drop drops dropped dropping slip slips slipped slipping dip"
    " dips dipped dipping slide slides slid sliding shed sheds shedding sank sunk down lower lows"
    " soften softens softened softening downward downtick downturn downswing downtrend shrank shrunk slows slowdown slower loses"
    " weaker weakening weakened dives dive dived swoon swoons lowest decreased reduction"
    " contraction deteriorates deteriorated deteriorating deterioration deteriorate halved"
    " narrows narrowing narrowed worsen worsens worsened worsening sell-off selloff",
)

# Verbs that act on what follows: "cuts costs", "raises dividend".
TRANSITIVE = _table(
    p10=_verbs("raise boost lift increase expand improve strengthen double triple hike enhance")
    + " bolster bolsters bolstered ups",
    n10=_verbs("reduce slash trim lower decrease scrap curb suspend shave prune axe")
    + " cut cuts cutting trims trimmed trimming scraps scrapped scrapping curbs curbed slashed",
)

# Things whose rise is good for who has them (the default), or bad.
METRICS = _table(
    p10="profit profits profitability earnings sales revenue revenues revs turnover income margin"
    " margins eps ebitda ebit output production orders order demand share shares stock stocks"
    " price prices index dividend dividends guidance outlook forecast forecasts target targets"
    " rating growth net pat results cash volume volumes deliveries shipments traffic"
    " subscribers users bookings backlog backlogs value exports jobs workforce staff payrolls"
    " employment confidence sentiment stake holding holdings capacity capex investment investments"
    " estimates estimate nav assets advances deposits futures gdp pmi rupee dollar euro yuan"
    " pound sterling yen won funding limit valuation efficiency productivity occupancy headcount"
    " personnel employees payout visibility performance yield yields ",
    n10="loss losses indebtedness error errors cost costs expense expenses debt debts liabilities npa npas provision"
    " provisions provisioning unemployment jobless claims inflation deficit deficits complaints"
    " defaults default delinquencies impairments impairment writedowns write-downs charges"
    " risk risks tax taxes duty duties tariff tariffs bankruptcies bankruptcy shortfall leverage"
    " slippages churn layoffs emissions fee fees fears worries concerns uncertainty tensions"
    " deaths cases infections volatility decline fall slowdown downturn spread spreads arrears"
    " interest burden pressure pressures penalty fine fines inventories inventory ",
)

# Good or bad news by itself.
POLARITY = _table(
    p15="upgrade upgrades upgraded upgrading beat beats beating outperform outperforms"
    " outperformed outperforming overweight bullish bull bulls breakthrough stellar turnaround"
    " windfall upbeat bumper blockbuster",
    p10="strong stronger strongest strongly robust solid healthy positive positively optimistic"
    " optimism win wins won winning winner winners awarded award awards bag bags bagged secures"
    " secured approval approves approved clearance cleared success successful"
    " successfully succeed succeeds record better attractive favourable favorable promising"
    " encouraging impressive excellent exceed exceeds exceeded exceeding surpass surpasses"
    " surpassed tops topped topping outpace outpaces outpaced upside tailwind tailwinds"
    " benefit benefits benefited benefiting boon boom booms booming buoyant buoyed bullishness"
    " momentum thrive thrives thriving flourish flourishes buyback buybacks repurchase"
    " profitable lucrative milestone multibagger multibaggers gainers gainer cheer cheers cheered"
    " uptake efficient savings undervalued accretive breakout shines shine shining"
    " boost boosts boosted boosting lift lifts comeback sparkle bounty synergies synergy"
    " relief accumulate prefer hope hopes hopeful rosy overtakes overtake resilient resilience"
    " fastest fast-growing well-positioned oversubscribed ahead green overtook",
    p05="good great nice happy pleased satisfied confident comfortable exciting love expands"
    " strategic partnership agreement wins deal selected chosen"
    " innovative leading launches support supports supported supportive opportunity"
    " opportunities potential safe stable stabilise stabilises stabilize stabilizes pick picks"
    " reward rewards advantage recommends enters sign signs signed steady firm firmed"
    " cost-effective competitive growth bright boosted oversubscribed granted permit favour favours worth",
    n15="downgrade downgrades downgraded downgrading miss misses missed missing underperform"
    " underperforms underperformed underperforming underweight bearish bear bears bankruptcy"
    " bankrupt insolvency insolvent fraud scam scandal collapse collapses collapsed default"
    " defaults defaulted disappointing disappoint disappoints disappointed disappointment rout"
    " scuttles plummeted plummets redundancies redundant redundancy",
    n10="weak weaker weakness weaknesses sluggish subdued poor poorly negative negatively bad"
    " worse worst lose loses losing lost warn warns warned warning warnings concern"
    " concerns worry worries worried worrying fear fears feared uncertainty uncertain slump"
    " recession crisis crises trouble troubled troubles problem problems probe probes probed"
    " investigation investigated lawsuit lawsuits sue sues sued suing fined fines penalty"
    " penalties ban bans banned recall recalls recalled halt halts halted suspend suspends"
    " suspended suspension layoff layoffs sack sacks sacked delay delays"
    " delayed reject rejects rejected rejection fail fails failed failing failure failures"
    " headwind headwinds pressure pressures pressured drag drags dragged dragging hurt hurts"
    " hurting slowdown lacklustre lackluster dismal grim gloom gloomy bleak tepid muted"
    " soft softer softening softens cautious caution downside overvalued expensive vulnerable"
    " struggle struggles struggled struggling threat threats threaten threatens threatened"
    " risks risky dump dumps dumped dumping selloff sell-off pessimistic pessimism"
    " oversupply glut shortage shortages impairment writedown write-down writeoff write-off"
    " breach breaches hack hacked cyberattack outage shutdown shut shuts closure closures"
    " dispute disputes boycott accuse accuses accused allegation allegations alleged"
    " cancels cancelled canceled cancellation terminate terminates terminated termination"
    " turmoil volatile volatility choppy crash crashes crashed panic pain painful"
    " woes woe bloodbath carnage mayhem battered beleaguered embattled ailing dilution dilutive"
    " dilute losers loser red downbeat disruption disruptions disrupted disrupt damage damages"
    " damaged spill spills explosion accident cracks jitters jittery anxiety stress stressed distress distressed unprofitable"
    " hamper hampers hampered setback setbacks blow bite bites sour sours evade"
    " avoid plagued shortfall crunch slap slaps slapped tension tensions stumble stumbles"
    " falter falters faltered stagnant stagnate stagnates flounder flounders discontinue"
    " discontinued overhang widens widened widening unfavourable unfavorable adverse"
    " adversely unable diminished diminishes inability dents dented wipe wipes wiped erases erased reels"
    " derail derails derailed dropped underperformance lay-offs subpoena deaths coronavirus virus"
    " outbreak covid headache tensions downtime bankruptcies lawsuit guilty illegal"
    " wrongdoing misconduct manipulation evasion raid raids raided seized freeze frozen",
    n05="selling sell-offs pares pare trims difficult tough tougher hard harder challenging"
    " challenge challenges competition crowded uneasy nervous wary unlikely unclear"
    " doubt doubts burden costly caveat bubble protest protests opposes oppose opposed"
    " criticism criticised criticized dull skip restraint lockdown risk loss losses  correction strike strikes dismissed liquidated warily losing_ bitter bruise bruises wobble wobbles chokes",
)

NEGATORS = frozenset(
    "not no never without don't doesn't didn't won't isn't aren't wasn't can't cannot couldn't"
    " shouldn't wouldn't hasn't haven't neither nor denies deny denied hardly unlikely lack lacks"
    " nothing stops prevents avoids avoid avoided averts avert rule ".split()
)
# What stands after these tells the circumstances, not the news.
CAUSES = frozenset("as after amid on following since because due over".split())
TURNS = frozenset(
    "swing swings swung swinging turn turns turned turning return returns returned returning slip"
    " slips slipped slipping fall falls fell falling dip dips dipped back plunge plunges plunged"
    " slide slides slid sink sinks sank post posts posted posting".split()
)
DESPITE = frozenset("despite notwithstanding shrugs shrug shrugging".split())
# Words that end the reach of a movement word.
BREAKS = frozenset(", ; : ( ) ? ! - -- but while although though whereas even".split())


# Fixed expressions; they hide their own words from the lists above.
def _phrases(**groups: str) -> dict[str, float]:
    """Turn `p10="one phrase; another"` groups into phrase -> weight."""
    table: dict[str, float] = {}
    for name, phrases in groups.items():
        weight = int(name[1:]) / 10 * (1 if name[0] == "p" else -1)
        table.update(dict.fromkeys(phrases.split("; "), weight))
    return table


PHRASES = _phrases(
    p15="better than expected; better-than-expected; swings to profit; swung to profit; "
    "turned to a profit",
    p12="record high; record highs; new high; new highs; fresh high; all-time high; all-time "
    "highs; all time high; week high; month high; year high; closing high; closing highs; "
    "hits record; raised to; target raised; upper circuit; extends gains; extend gains; "
    "higher than expected; above consensus; above estimates; above expectations; return "
    "to profit; returns to profit; bull run",
    p10="short covering; short-covering; snaps losing streak; losing streak; back in black; in vogue; good entry; worst is over; worst over; worst is behind;  short squeeze; breakeven; break even; buy the dip; value buying; bargain hunting; spot demand; in the "
    "black; in green; top gainers; buying interest; bottomed out; breaks out; cost "
    "savings; bull market",
    p08="picks up",
    p07="speed up; bottom out; pares losses; pare losses; pared losses",
    p05="stock split; on dips; buy on dips; on declines; ramp up; ramps up; pick up; teams up; team up; cost cutting; "
    "cost-cutting; cost cuts",
    p03="rate cut; rate cuts; tie up; ties up; tie-up; interest in",
    p02="initial public offering; market share",
    p00="stop loss; stop-loss; stoploss; in line; in-line; before taxes; before tax; after tax; after taxes; seeks nod; seek nod; strong resistance; "
    "capital gain; shareholders of record; of record; declined comment; declined to comment; "
    "to comment; go ahead; goes ahead; sell off in; risk reduction; to file; pre tax; pre-tax; ahead of; risk management; "
    "market risk; line up; lines up; beef up; beefs up; as well as; in contrast; "
    "crude oil; soft drink; soft drinks; soft commodities; tax free; capital gains; price cuts; "
    "opens up; open up; sum up; sums up; low down; stocks to watch; top line; short sale; "
    "per cent; "
    "cut off; cutting edge; charge of; red hat; hedge fund; hedge funds; bear stearns; "
    "award winning; best buy; buy back; general motors; step down; steps down; stepping "
    "down; stepped down; set up; sets up; setting up; up to; start up; up for; back up; "
    "take up; end up; follow up; make up; makes up; made up; no impact; price target; "
    "target price; due to; per share; retail sales; share price; net sales; interest "
    "rate; interest rates; safe haven",
    n03="no longer",
    n05="price cut; rate hike; rate hikes; public offering; lower high; give up; short "
    "position; bad loans",
    n07="book profit; book profits; gives up; pares gains; pare gains; trims gains; short sellers",
    n08="share offering",
    n10="profit booking; profit-booking; profit taking; profit-taking; job cuts; stock "
    "offering; equity offering; secondary offering; reverse split; reverse stock split; "
    "in red; in the red; top losers; under fire; weighs on; weigh on; weighed on; take a "
    "hit; takes a hit; erases gains; erase gains; write off; written off; personnel "
    "reductions; short seller; out of favor; dead cat bounce",
    n12="lay off; lays off; laid off; laying off; cut jobs; cuts jobs; record low; record "
    "lows; new low; new lows; all-time low; all time low; week low; month low; year low; "
    "under pressure; selling pressure; hit by; hit hard; cut to; cut at; target cut; "
    "lower circuit; extends losses; extend losses; extend fall; extends fall; writes off; "
    "loss-making; lay offs; lay-offs; stay away; snaps winning streak; sell off; sell-off; fall short; falls short; fell short; lower than expected; "
    "lower-than-expected; below consensus; below estimates; below expectations; bear "
    "market",
    n15="profit warning; profit warnings; complete response letter; going concern; going "
    "concern doubt; worse than expected; worse-than-expected; swings to loss; swung to a "
    "loss; turned to a loss",
    n20="chapter 11",
)
