"""Cue phrases of the event types, lower case; a final `*` lets any ending follow.

The order is the priority of types. `none` holds expressions that hide a cue inside them.
"""

from __future__ import annotations

EVENT_TYPES = (
    "legal_regulatory",
    "mna",
    "guidance",
    "earnings",
    "capital",
    "capex_expansion",
    "datacentre",
    "partnership_contract",
    "clinical",
    "product",
    "analyst",
    "management",
    "fund_insider",
    "ops_labour",
    "macro_sector",
    "minor",
    "opinion",
    "no_news",
    "price_report",
)

CUES: dict[str, str] = {
    "legal_regulatory": """probe; probes; probed; probing; lawsuit*; sue; sues; sued; suing; fine;
        fined; fines; antitrust; anti trust; antimonopoly; anti monopoly; sec; doj; ftc; cfius;
        regulator*; recall; recalls; recalled; ban; bans; banned; settlement; settle; settles;
        settled; litigation; court; judge; jury; verdict; appeal; appeals; patent infringement;
        infring*; subpoena*; indict*; fraud; investigat*; class action; complaint; penalt*; sanction*;
        blacklist*; export control*; export curb*; crackdown; injunction; plea; charged with; charges;
        complaints; watchdog; samr; csrc; sfc; european commission; eu commission; itc; cease and desist;
        compliance notice; nasdaq notice; nasdaq letter; delisting; delist*; violat*; arbitration;
        wells notice; patent suit; sebi; tax dispute; bribery; money laundering; chapter 11;
        bankruptcy; blocks deal; import ban; entity list; license revoked""",
    "mna": """acquire; acquires; acquired; acquiring; acquisition*; merger*; merge; merges; merging;
        takeover*; take over; takes over bid; buyout*; buy out; bid for; bids for; offer for; to buy; in talks to buy;
        agrees to buy; to sell; spin off; spins off; spinoff*; separation of; completes separation; spin offs; spun off; divest*; stake in; stake sale;
        tender offer; hostile bid; unsolicited; go private; going private; take private; taken private; takes private; carve out;
        sells unit; sale of its; unit sale; strategic alternatives; purchase of; to purchase;
        sells stake; buys stake; raises stake; joint bid; counterbid; suitor*; break up; breakup fee;
        majority stake; minority stake; demerger; combine with""",
    "guidance": """guidance; outlook; forecast; forecasts; profit warning; warns on profit; full year target;
        guides; guided; raises full year; cuts full year; lowers full year; reaffirms; reiterates guidance;
        sees q1; sees q2; sees q3; sees q4; sees fy*; sees full year; sees revenue; sees profit; preannounce*; pre announce*;
        profit alert; expects profit; expects revenue; expects sales; expects q*; trading update;
        raises forecast; cuts forecast; warns of loss; sees 20*; sees fiscal; expects fiscal;
        profit forecast; sales forecast; earnings outlook; sees loss; issues upside; issues downside""",
    "earnings": """earnings; results; eps; net income; net profit; net loss; operating profit;
        operating loss; quarterly profit; quarterly loss; quarter profit; quarter loss; quarterly revenue;
        beats by; misses by; beats profit; beats revenue; beats sales; beats earnings; beats views; beats consensus; beats on; beats street; beats q*; misses profit; misses revenue; misses sales; misses views; misses consensus; misses on; tops profit; tops revenue; profit estimates; revenue estimates; profit views; beats estimates; misses estimates; beats expectations; misses expectations;
        beat estimates; tops estimates; tops views; tops forecast*; profit rises; profit falls; profit jumps; profit drops;
        profit up; profit down; profit surges; profit soars; profit slumps; profit slides; profit climbs;
        profit doubles; profit plunges; profit tops; profit beats; profit misses; loss widens; loss narrows;
        swings to; posts profit; posts loss; revenue beats; revenue misses; revenue rises; revenue falls;
        revenue jumps; revenue up; sales rise; sales fall; same store sales; comparable sales; comp sales; q1; q2; q3; q4;
        first quarter; second quarter; third quarter; fourth quarter; first half profit; annual profit;
        full year profit; half year; interim; reports in line; ebitda; revs; quarterly""",
    "capital": """dividend*; buyback*; buy back; share repurchase*; stock repurchase*; repurchase program*;
        repurchases; stock split; share split; reverse split; 1 for *; ipo; ipos; initial public offering;
        public offering; secondary offering; stock offering; share offering; rights issue; private placement;
        convertible*; senior notes; notes offering; bond offering; bonds; bond sale; debt offering; share sale; placement;
        shelf registration; refinanc*; credit facility; credit rating; raises funds; fund raising; fundraising;
        raises capital; capital raising; capital increase; secondary listing; dual listing; primary listing; listing plan;
        preferred stock; tender for notes; exchange offer; special dividend; ex dividend; recapitali*;
        dual primary; dim sum""",
    "capex_expansion": """capex; capital expenditure*; capital spending; ai spending; ai investment*; spending plan;
        spending will; to spend; spend $; spends $; invest $; invests $; to invest; will invest; investing $; investment plan;
        investment of; invest billions; billion investment; million investment; billion yuan plan; infrastructure spending;
        new plant; new factory; build a plant; build a factory; build plant; build factory; to build; expand capacity;
        capacity expansion; increase capacity; raise output; boost output; boosts output; gigafactory; production capacity;
        expands production; expand production; new fab; fab in; expansion plan*; expand in; expands in; opens plant;
        opens factory; new production line; new facility; raises investment; ups investment; yuan in ai; doubling down on ai;
        raise spending; raises spending; increase spending; boost spending; ups spending; additional investment""",
    "datacentre": """data cent*; datacent*; gpu cluster*; cloud region*; availability zone*; server farm*;
        computing cent*; compute cluster*; ai cluster*; supercomput*; intelligent computing""",
    "partnership_contract": """partner*; partnership*; teams up; team up; joint venture*; jv; mou; memorandum of understanding;
        contract; contracts; order win; wins order; wins orders; wins deal; deal with; agreement with; agreement to supply; supply agreement;
        supply deal; licensing agreement; license agreement; collaborat*; alliance; tie up; ties up; signs agreement; signs deal; inks;
        inks deal; distribution agreement; cooperation; strategic agreement; order for; orders for; receives order;
        awarded; wins bid; selected by; selects; customer win; to supply; marketing agreement; enters into agreement; cooperate""",
    "clinical": """clinical trial*; clinical hold; clinical study; clinical studies; late stage trial*; mid stage trial*; late stage study; drug trial*; cancer trial*; phase 1; phase 2; phase 3; phase i; phase ii; phase iii; phase iib; phase 2b;
        drug application; complete response letter; fda approv*; fda reject*; fda panel; fda puts; marketing authori*; biologics license; priority review; fda declines; fda delays; fda accepts""",
    "product": """launch; launches; launched; launching; unveil*; releases; released; release of; introduc*; new model; model y; new version; debut*; rolls out;
        roll out; rollout; approval; approves; approved; fda; clearance; trial; trials; phase 1; phase 2; phase 3; phase i; phase ii; phase iii;
        phase iib; clinical; drug application; chatbot; open source*; open sources; new chip; ai model; ai models; parameters; showcases; reveals; starts sales; begins sales;
        goes on sale; to offer; upgrade to; new product*; new service; new smartphone; complete response letter; beta; app; breakthrough; generation of; patent for; new drug""",
    "analyst": """research alert; starts with; assumes coverage; upgrade; upgrades; upgraded; downgrade; downgrades; downgraded; price target; target price; target raised; target cut; pt raised; pt cut;
        initiates; initiated; initiates coverage; starts coverage; resumes coverage; reiterates buy; maintains buy; overweight; underweight; outperform; underperform; equal weight; market perform;
        sector perform; buy rating; sell rating; hold rating; neutral rating; rated; rating cut; rating raised; cut to; raised to; top pick; price objective; conviction list; analyst*; coverage""",
    "management": """ceo; cfo; coo; cto; chief executive; chief financial officer; chief operating officer; appoints; appointed; names new; named; resign*; steps down; step down;
        stepping down; stepped down; to retire; retires; retirement of; ousts; ousted; fired; successor; succeeds; chairman; chairwoman; board member*; director; directors; reshuffle; hires; president; executive vice president""",
    "fund_insider": """13f; 13d; 13g; stake disclosed; discloses stake; ark; ark invest*; cathie wood; berkshire*; buffett; insider*; insider buying; insider selling; block deal*; block trade*; hedge fund*; activist*; third point; icahn; soros;
        cuts stake; trims stake; boosts stake; adds to stake; buys shares; sells shares; bought shares; sold shares; reopens position; new position; holdings in; short seller*; short position; sovereign fund; institutional investors; michael burry; tepper; appaloosa; elliott""",
    "ops_labour": """strike; strikes; walkout*; layoff*; lay off; lays off; laid off; job cut*; cut jobs; cuts jobs; cutting jobs; to cut * jobs; outage*; halts production; halt production; suspends production; shutdown; shut down; shuts down; shuts; closes plant; plant closure*;
        union; workers; explosion; fire at; spill; accident; crash; cyberattack; cyber attack; hack; hacked; data breach; breach; supply chain; shortage*; restructuring; production cut*; output cut*; store closures; deliveries; shipments; production; traffic""",
    "macro_sector": """fed; fomc; ecb; boj; pboc; central bank; interest rate*; rate cut*; rate hike*; inflation; cpi; gdp; tariff*; payrolls; jobless; unemployment; opec; trade talks; trade war; trade deal; stimulus; sector; industry; recession; consumer spending;
        government spending; defense spending; holiday spending; retail sales; oil prices; crude; economy; economic; debt ceiling; government shutdown; treasury; treasuries; bond yields; currency; property market; chip curbs; export curbs; policy""",
    "minor": """price target; initiates coverage; initiates; initiated; starts with; starts coverage; resumes coverage; assumes coverage; target price; target raised; target cut; pt raised; pt cut; price objective; reiterates buy; maintains buy; acquires; acquire; acquisition of; acquisitions; completes acquisition; senior notes; notes offering; credit facility; redemption of; memorandum of understanding""",
    "opinion": """zacks; technical study; market indicators; analyst report; updates outlooks; previews earnings; press digest; top tech analyst; bull and bear; analyst blog; research report on; research reports on; research report; stocks to watch; stock to watch; shares to watch; stocks to buy; stocks to own; stocks to sell; stocks to avoid; stock to buy;
        stock to own; should you buy; should you sell; should you own; should investors; time to buy; time to sell; a buy now; stock a buy; shares a buy; stock a sell; a buy after; a buy before; a buy or; a buy ahead; buy or sell; buy sell or hold; reasons to buy; reasons to own; reasons to sell; reasons to like; reasons to avoid;
        what to know; what to watch; what to expect; things to know; things to watch; things to look for; need to know; here's why; why i; is it too late; too late to buy; how to play; how to trade; week ahead; day ahead; earnings preview; preview;
        ahead of earnings; what we learned; breakingviews; motley fool; mad money; cramer; stocks in focus; shares in focus; in the spotlight; in focus; under the microscope; under the spotlight; under review by; pre market analysis; premarket analysis;
        technical analysis; technical update; technical coverage; technical briefing; trade ideas; trading ideas; watch list; watchlist; earnings predictions; technology research; stock picks; top picks; top stocks; best stocks; worst stocks;
        better buy; undervalued stocks; overvalued stocks; dividend stocks; growth stocks; value stocks; hot stocks; buzzing stocks; daily digit; market pulse; investor's guide; investors guide; investment review; equity research; research update;
        research and markets; in depth analysis; market research; global market to; forecast and analysis; outlook 20*; analysis and forecast; investor brief; investors brief; morning brief; morning call; trade alert; momentum stocks; traders alert;
        stocks under; stock alerts; stock market reports; complimentary research; free research; analysts' review; review and preview; reviews and previews; scoop; techquity; strategic swot; swot analysis; company profile; factbox; timeline; newsmaker; q a with;
        daily briefing; trading at noon; stocks news; trending stocks; stocks on the move""",
    "no_news": """webcast*; invites you; dates set; report of earnings; portfolio composition; variable rate fix; voting results; conference call*; to present at; presents at; to speak at; speaks at; to participate in; participates in; presentation at; presentations at; to attend; to be presented at; underperforms market; outperforms market; underperforms competitors; outperforms competitors; underperforms when compared; outperforms when compared; investor conference*; upcoming events; upcoming conference*; upcoming investor*; annual meeting*; fireside chat;
        release date; earnings date; announces date; announces dates; sets date; schedules; to host; hosts call; hosts conference; hosts webcast; to hold call; to hold conference; to hold its; to hold annual; to hold investor; to hold third; to hold second; to hold first; to hold fourth; earnings schedule*; available on demand; media advisory; media alert; photo advisory; save the date; reminder;
        law firm; law offices; law office; llp; shareholder alert; investor alert; shareholders alert; investors alert; shareholder notice; investor notice; lead plaintiff; reminds investors; reminds shareholders; encourages investors; encourages shareholders; notifies investors; notifies shareholders; alerts investors;
        alerts shareholders; behalf of investors; behalf of shareholders; rights of shareholders; shareholder rights; class action deadline; securities class action; securities litigation; former louisiana attorney general; investors with losses; losses in excess;
        affirms rating; affirms ratings; rating affirmed; ratings affirmed; affirms idr; outlook stable; stable outlook; assigns rating; assigns ratings; assigns provisional; annual credit report; request for comment; rating unaffected; ratings unaffected; ratings not affected; rating not affected;
        named to list; named to board; named one of; named a leader; recognized as; recognized by; recognised as; recognised by; honored by; receives award; wins award; wins awards; award winner; earns award; ranked among; ranks among; ranked number; best places to work; partner of the year; sustainability report; corporate responsibility;
        scholarship*; hiring event; job fair; hiring opportunities; donates; donation; sponsors; sponsorship; grants of; charity; foundation; volunteers; exhibit at; exhibits at; to exhibit; to showcase; to demonstrate; user conference; training at; training in; net asset value*; total voting rights; form 8 dd;
        holding s in company; director pdmr; transaction in own shares; publication of prospectus; block listing""",
    "none": """voting results; to buy back; buys back; bought back; fine pitch; quarterly dividend*; quarterly cash dividend*; quarter dividend*; quarterly distribution*; quarterly cash distribution*; quarterly preferred dividend*; no impact; ceo says; ceo said; ceo sees; ceo expects; chief executive says; chairman says; cfo says; target corp; fire tv; amazon fire; court tennis; fine dining; best buy; charges into; ceo of the year; fine art; fine tune; fine tunes; fine tuning; fine tuned; director of photography; bank holiday; app store; trial run; trial balloon;
        traffic jam; strike a deal; strikes a deal; strikes deal; strike deal; strikes agreement; labor day; red carpet; union pacific; western union; european union; credit union*; student union; share results; search results; election results; test results; chief says; presidential; vice president of the;
        price targets zero; u.s. president; president trump; president obama; president bush; president xi; president biden; president putin; chinese president; french president; court of public opinion; supply chain finance; record deal; buy to; fed up; fedex; lawsuit funding; judge judy;
        federal court; new york fed; production company; tv production; government shutdown; network traffic; web traffic; shut out; international business machines; computing centre stage; a million yuan""",
}
