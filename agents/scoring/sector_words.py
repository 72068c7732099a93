"""Word lists of news that concerns a whole market or sector; a final `*` lets any ending follow."""

from __future__ import annotations

# What moves the market as a whole, by driver.
DRIVERS = {
    "central_bank": "fed; fomc; federal reserve; ecb; boj; pboc; rate hike*; rate cut*; interest rates; bond buying; bond purchases; taper*; stimulus; quantitative easing",
    "jobs": "payrolls; nonfarm; jobs data; jobs report; jobs growth; jobless claims; unemployment rate; labor market",
    "growth": "gdp; ism; pmi; factory; manufacturing; durable goods; retail sales; consumer confidence; consumer sentiment; consumer spending; economic growth; recession; u.s. economy; slower growth; trade deficit; housing starts",
    "inflation": "inflation; cpi; ppi; consumer prices; producer prices",
    "politics": "debt ceiling; debt limit; government shutdown; fiscal cliff; budget deal; tariff*; trade war; trade talks; trade deal; sanctions; election*; default",
    "abroad": "emerging market*; emerging markets; china slowdown; chinese economy; euro zone; eurozone; currency crisis; greece; brexit; pandemic; coronavirus; war; military strike; syria; ukraine",
}
# Words of one sector's goods and customers. The names are those of universe.csv's column `sector`.
SECTORS = {
    "homebuilders": "homebuilder*; home builder*; housing; home sales; home prices; mortgage*; housing starts; builder confidence",
    "gold_miners": "gold; bullion; gold miner*; precious metals",
    "metals_mining": "copper; aluminum; aluminium; steel; iron ore; zinc; nickel; miners; mining stocks; base metals",
    "oil_producers": "crude; oil prices; oil price; brent; wti; opec; natgas; natural gas; shale; oil output; oil futures; u.s. oil",
    "oil_refiners": "refiner; refiners; refining margins; crack spread*; gasoline; crude",
    "oil_services": "oil services; rig count; drillers; drilling; crude; oil prices",
    "oil_majors": "crude; oil prices; brent; opec; oil majors",
    "pipelines": "pipeline companies; mlps; natural gas; crude",
    "coal": "coal",
    "fertilizers": "potash; fertilizer*; corn prices; nitrogen",
    "chemicals": "chemical makers; chemicals sector; ethylene",
    "automakers": "auto sales; car sales; vehicle sales; automaker*; carmaker*; auto makers; auto maker",
    "auto_parts": "auto sales; car sales; vehicle sales; automaker*; auto parts; auto suppliers",
    "auto_retail": "auto parts retailers; used car*; auto sales; car dealers",
    "airlines": "airlines; airline stocks; jet fuel; airfares; air travel",
    "railroads": "railroads; rail traffic; railcar; rail freight",
    "logistics": "trucking; freight; shipping rates; air cargo",
    "semiconductors": "chip; chips; chipmaker*; semiconductor*; dram; memory chip*; pc shipments; smartphone outlook; foundry",
    "semiconductor_equipment": "chip; chips; chipmaker*; semiconductor*; dram; memory chip*; chip equipment",
    "computer_hardware": "pc shipments; pc sales; data storage; disk drive*; storage makers; servers; smartphone sales",
    "communications_equipment": "telecom equipment; network gear; networking gear; carrier spending",
    "software": "software stocks; software makers; cloud software",
    "internet": "internet stocks; social media; online advertising; internet companies",
    "online_retail": "e commerce; online retail; online travel; online shopping",
    "payments": "swipe fees; debit card*; card fees; interchange; credit card fees",
    "banks": "banks; bank stocks; lenders; banking sector; stress test*; yield curve; treasury yields; net interest; loan growth; basel; financials",
    "brokers": "brokerages; brokers; money market funds; short term rates; treasury yields; yields; trading revenue",
    "custody_banks": "custody banks; trust banks; treasury yields",
    "asset_managers": "fund flows; asset managers; fund managers",
    "life_insurers": "life insurers; treasury yields; yields; annuit*",
    "insurers": "insurers; catastrophe losses; hurricane; reinsurance",
    "health_insurers": "obamacare; medicare advantage; health insurers; medicaid; health exchange*; affordable care act; medicare payment*; health plans",
    "health_services": "hospitals; medicare payment*; lab fees; medicare rates; dialysis",
    "pharmaceuticals": "drug prices; drugmakers; generic drugs; drug pricing",
    "biotechnology": "biotech*; biotechs; drug prices; drug pricing",
    "medical_devices": "medical device*; device tax; device makers",
    "reits": "reits; real estate investment; mortgage rates; treasury yields; commercial property",
    "utilities": "utilities; power prices; electricity prices; natgas; natural gas",
    "restaurants": "restaurants; fast food; restaurant stocks; beef prices",
    "department_stores": "retailers; same store sales; holiday sales; holiday season; back to school; retail sales; mall traffic; shoppers",
    "apparel_retail": "retailers; teen retailers; holiday sales; same store sales; apparel; mall traffic",
    "electronics_retail": "retailers; holiday sales; electronics retailers; black friday",
    "food": "food makers; food prices; grain prices; corn prices",
    "beverages": "soda; beer; soft drinks; sugar tax; spirits makers",
    "tobacco": "tobacco; cigarettes; cigarette; e cigarette*",
    "casinos": "macau; casino*; gaming revenue",
    "aerospace_defense": "defense spending; pentagon; defense stocks; sequestration; defense contractors; airplane orders; aircraft orders",
    "machinery": "construction equipment; truck orders; farm equipment; mining equipment; factory orders; machinery orders",
    "media": "box office; ad spending; pay tv; cable tv; retransmission",
    "telecom": "wireless carriers; telecoms; spectrum auction; telecom stocks",
    "education": "for profit colleges; for profit education",
    "exchanges": "trading volume*; exchange operators",
    "cruise_lines": "cruise lines; cruise ship*",
}
HOME = frozenset(
    "u.s u.s. us fed federal fomc wall dow nasdaq payrolls nonfarm ism treasuries treasury american america washington obama congress global world global".split()
)
ABROAD = frozenset(
    "canada canadian tsx mexico mexican brazil brazilian india indian indonesia turkey turkish russia russian poland polish hungary czech"
    " south africa african nigeria kenya egypt thai thailand philippine malaysia singapore korea korean taiwan australia australian nz zealand"
    " sweden swedish norway norwegian denmark danish swiss greek italy italian spain spanish portugal irish ireland german germany france french uk britain"
    " british japan japanese nikkei ftse chile peru colombia argentina sri lanka vietnam ukraine israel gulf saudi qatar dubai".split()
)


CREDIT = frozenset("rating ratings idr fitch moody's gsf".split())
