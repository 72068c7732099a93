"""Word lists of the linker: how company names are built, shortened and mistaken."""

from __future__ import annotations

# Cut from the end of a name: what remains is the company's whole name in the news.
LEGAL_ENDINGS = frozenset(
    "inc incorporated corp corporation co company companies cos ltd limited plc llc lp llp sa ag se"
    " nv bv asa ab oyj oy spa kgaa as kk pte sab cv de adr ads adrs new common stock class"
    " a b c trust reit etf fund holdings holding hldgs hldg group grp cayman nj md va pa del the"
    " ordinary shares sponsored uk fi can mn wa ga tx oh in nc ny mo la wi ca nasdaq nyse".split()
)
# Cut next, giving the short form that headlines use: Veeco Instruments -> Veeco.
TRADE_ENDINGS = frozenset(
    "energy pharmaceuticals pharmaceutical pharma technologies technology tech systems software"
    " resources financial bancorp bancorporation bancshares bankshares bank banks international"
    " industries partners communications networks network semiconductor semiconductors therapeutics"
    " biosciences bioscience biotech biotechnology biopharma biopharmaceuticals medical health"
    " healthcare laboratories labs solutions services enterprises products brands stores store"
    " materials motors motor airlines airways oil gas petroleum mining minerals metals gold silver"
    " properties property realty capital insurance assurance entertainment media foods food"
    " restaurants interactive electronics instruments devices computer computers platforms global"
    " worldwide america american americas usa com sciences science genetics genomics diagnostics"
    " robotics semi micro power electric utilities water chemical chemicals steel paper packaging"
    " logistics transportation transport shipping maritime marine aerospace defense aviation"
    " engineering construction homes home builders investment investments investors management"
    " asset securities exchange markets market payments wireless mobile telecom"
    " telecommunications telephone broadband cable online digital data information micro devices"
    " acquisition education learning apparel footwear retail supply hotels hotel resorts gaming"
    " wholesale manufacturing mills machines controls equipment and of & savings first mortgage"
    " biologics oncology sports works design designs nutrition beverage beverages cosmetics drilling"
    " pipeline midstream exploration royalty offshore solar renewables environmental surgical"
    " orthopedics dental vision optical imaging scientific research consulting staffing express"
    " corporate business north south east west central national".split()
)
# A name that starts with one of these is not shortened to its first word.
WEAK_STARTS = frozenset("the new first united general standard".split())

# Never a name by themselves.
NOT_NAMES = frozenset(
    "q1 q2 q3 q4 h1 h2 fy ai it tv uk us eu un usa ceo cfo ipo etf esg ev pc 5g 10k 8k china india"
    " japan germany mexico canada france europe asia america california texas ftc fda sec fcc doj epa ecb imf opec nato eu".split()
)
# How wires shorten the words of company names.
ABBREVIATIONS = {
    "technologies": "Tech",
    "technology": "Tech",
    "laboratories": "Labs",
    "pharmaceuticals": "Pharma",
    "pharmaceutical": "Pharma",
    "international": "Intl",
    "semiconductor": "Semi",
    "semiconductors": "Semi",
    "communications": "Comm",
    "biosciences": "Bio",
    "biopharmaceuticals": "Bio",
    "american": "Amer",
    "airlines": "Air",
}

# Acronyms that look like tickers.
NOT_TICKERS = frozenset(
    "nato opec nasa ceos cfos ipos ebit ebitda nyse amex fomc cftc finra nasdaq reit etfs adrs gaap"
    " ifrs usda noaa fema covid aids bric brics asean unicef tarp libor euribor wto imf sars mers"
    " swot ipad html http https psak".split()
)

# `Target prices`, `apple pie`: the word after or before that makes it mean something else.
NOT_BEFORE: dict[str, frozenset[str]] = {
    "apple": frozenset(
        "pie pies juice cider tree trees sauce orchard orchards crop crops harvest grower growers"
        " farmer farmers picking a day".split()
    ),
    "target": frozenset(
        "price prices date dates range ranges rate rates of for at on raised cut hiked lowered from"
        " to by zone practice market level levels audience company fund retirement list rs group"
        " trims missed met is was set shooting".split()
    ),
    "visa": frozenset(
        "rules rule policy holders holder ban bans program programs programme application"
        " applications free waiver waivers requirement requirements restrictions fee fees curbs"
        " scheme overstay overstays applicants status issuance regime system backlog denial"
        " denials interviews lottery for talks exemption exemptions".split()
    ),
    "gap": frozenset(
        "up down between in of year widens narrows narrowed widened with to at on is was fill"
        " opening analysis".split()
    ),
    "meta": frozenset("analysis data study description".split()),
    "shell": frozenset("company companies shock game casing casings".split()),
    "oracle": frozenset("of".split()),
    "amazon": frozenset(
        "rainforest river basin forest forests jungle tribe tribes deforestation fires region"
        " rain tribal indians dam".split()
    ),
    "block": frozenset("deal deals trade trades grant of party".split()),
    "match": frozenset("point day fixing".split()),
    "snap": frozenset("election elections poll polls judgment decision decisions".split()),
    "alphabet": frozenset("soup".split()),
    "coke": frozenset("prices price futures oven ovens coal plant imports exports supply".split()),
    "ford": frozenset("government coppola foundation administration".split()),
    "chase": frozenset("after ends for of".split()),
    "intel": frozenset("committee chief agency official officials agencies".split()),
    "delta": frozenset("variant force".split()),
    "square": frozenset("feet mile miles metre metres meter meters off foot".split()),
    "general": frozenset("election strike counsel".split()),
    "caterpillar": frozenset("fungus infestation".split()),
}
NOT_AFTER: dict[str, frozenset[str]] = {
    "apple": frozenset("big fiona candy adams".split()),
    "target": frozenset(
        "price inflation profit sales earnings growth soft takeover bid a the its his their on"
        " this rate ecb boe fed revenue deficit budget cost stop final new emissions".split()
    ),
    "visa": frozenset(
        "h-1b h1b 1b work student travel entry tourist us u.s eu uk schengen exit investor golden"
        " immigration transit migrant b".split()
    ),
    "gap": frozenset(
        "the a trade wage gender pay wealth budget output income funding price fiscal rating"
        " technology skills generation mind deficit supply this stop stem".split()
    ),
    "ford": frozenset("rob harrison gerald tom betty mayor doug toronto henry john".split()),
    "shell": frozenset("tank artillery mortar a the".split()),
    "oracle": frozenset("the an".split()),
    "amazon": frozenset("the".split()),
    "chase": frozenset("car police chevy the a to".split()),
    "meta": frozenset("a the".split()),
    "intel": frozenset("u.s us israeli military".split()),
    "alphabet": frozenset("the greek latin".split()),
    "delta": frozenset("niger nile mekong the river".split()),
}

# Right after a name, these show that it is a company's.
CUES_AFTER = frozenset(
    "'s shares stock inc corp ltd plc co ceo cfo coo chairman chief says said reports report"
    " reported posts posted sees guides beats misses tops announces announced unveils launches"
    " introduces buys acquires agrees signs wins plans files names appoints raises cuts lowers"
    " reaffirms reiterates expects profit profits revenue revenues sales earnings q1 q2 q3 q4"
    " quarterly results dividend declares completes begins starts settles sues invests opens closes"
    " recalls hires sells rises falls jumps drops gains slips surges tumbles soars slides climbs"
    " upgraded downgraded initiated unit units investors shareholders board bonds debt employees"
    " workers stores store executives executive spokesman spokeswoman receives enters issues prices"
    " provides commences awarded selected teams partners extends expands shuts closing"
    " confirms board's declined lands licenses sets adopts terminates stake brands brand"
    " co-founder founder quarter nasdaq nyse intends targets tests to lifts faces halts hikes"
    " dominates rolls recruits tells told hit hits warns warned"
    " loses lost weighs seeks ends expected set seen backs fills talks considers mulls delays rejects"
    " denies admits cancels builds offers orders restates restarts eyes nears sedan suv dealer"
    " dealers options buyback ipo merger".split()
)
# Capitalised beside a name without being a part of it.
PLACES_AND_TIMES = frozenset(
    "us u.s u.s. uk eu china chinese europe european india indian japan japanese german germany"
    " french france british britain canada mexico brazil russia russian asia asian america"
    " american korea korean taiwan hong monday tuesday wednesday thursday friday saturday sunday"
    " january february march april may june july august september october november december"
    " q1 q2 q3 q4 fy07 ai ipo tv it 5g i he we she they it's".split()
)
# The analyst's verbs: whoever stands before them rates somebody else.
RATES = frozenset(
    "upgrades downgrades initiates assumes reiterates maintains starts resumes upgrade downgrade cuts"
    " raises lifts lowers trims hikes boosts".split()
)
RATED = frozenset(
    "target rating coverage overweight underweight outperform underperform neutral buy sell hold"
    " equal perform".split()
)
# What a rating agency does, and the words that show that it does it to somebody else. A company
# affirms or cuts its own outlook: that word alone shows nothing.
RATERS = frozenset(
    "affirms assigns rates upgrades downgrades places puts withdraws confirms revises reviews publishes"
    " changes may cuts raises lowers".split()
)
CREDIT = frozenset("rating ratings idr rmbs cmbs clo clos abs aaa baa caa bbb".split())
PROSPECTS = frozenset(
    "stable negative positive developing".split()
)  # of a rating: `outlook stable`
# Right before a name, these show the same.
CUES_BEFORE = frozenset(
    "shares stock ceo cfo chairman retailer maker rival rivals giant chipmaker upgrades downgrades"
    " upgrade downgrade sues suing acquire acquires buy buys customer supplier suppliers giants"
    " automaker company operator firm bank owner parent".split()
)
# Before a name, these show that it is not the subject of the title.
PREPOSITIONS = frozenset(
    "of with from by against on in to for at over vs and about into between near than as after"
    " amid under like via per since before".split()
)
