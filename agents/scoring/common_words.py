"""Words that are somebody's company name but mostly mean something else.

English words, places, given and family names, months and days: a title that holds one of them,
even capitalised, needs a second cue before it speaks of the company of that name. Collected by
hand among the first words of listed companies' names.
"""

from __future__ import annotations

COMMON_WORDS = frozenset(
    """
    abacus abbey able above absolute academy access achieve acres activate active actual adams
    addition advance advanced advantage aero age agency agile agree agriculture aim air alarm
    alaska albany alexa alexander alexandria align all alliance ally alpha alphabet alternative
    aluminum amazon ambitions america american americas amigo analog anchor andrew android angel
    angle anna annual anthem apartment apex apollo apple applied april arctic arena argentina
    arizona ark arm armour array arrive arrived arrow art artificial arts ascend ashford asia
    asian assembly associated assured atlanta atlantic atlas august aurora austin australia
    authentic auto avalanche avenue average aviation aware awareness axis baker balance ball
    baltimore banana bank banking bar barnes barrel barrier base basic bass bay beach beacon bear
    beauty bell benchmark benefit berlin berry best beta better beyond bid big biggest bill
    billion bio birch bird bit bitcoin black blend block bloom blossom blue board body bold bond
    booking boost boot boston bowl box boxer brace brady branch brand brazil bread bridge bright
    brilliant bristol british broad broadway brook brother brothers brown buckeye buckle buffalo
    build builders bullish burger burning bush business butler buy buyer cable cadence california
    calm cambridge camp can canada canadian canal canary candle cannabis cannon canyon capacity
    capital card cardinal care career caring carnival carolina carriage carrier cars carter casey
    cash castle casual cat catalyst caterpillar cedar celebrity cell central centre century
    certain chain chairman champion champions chance charging charles charlotte chart charter
    chase check cheer chef chemical cherokee chesapeake chicago chief chili chimney china chinese
    choice christopher church cincinnati cinema circle citi citizens city civil clarity
    clark class classic claude clay clean clear cleveland click climb clinch close cloud clover
    club coach coal coast coastal coca coffee cohen coin coke cola cold collective
    college colombia colonial colony colorado columbia columbus comfort commerce commercial
    community compass complete comprehensive computer concept concord concrete connect consensus
    conservative consolidated construction consumer consumers continental contract control cook
    cooper copper core corp cotton council country county court cove covenant cowen crane crawford
    cream creative credence credit crest critical cross crown crude cruise crypto crystal cube cue
    cure current curtis custom customer customers cut cutter cyber cypress daily dallas dare data
    dave david day days dean december decent deep defense definitive delaware delta denali denver
    desert design designer destination detroit devices diamond digital dine direct direction disco
    discount discover discovery dish distance distribution district diverse diversified dollar
    dolphin domain dominion double dover dragon dream drilling drive driven drugs duke duluth
    during eagle earth east eastern easy eat ebb echo economic edge edible edison education
    educational edward edwards efficient egypt eight electric electricity electronic element
    elevate elite else embassy embrace emerald emergency emerging eminent empire employer
    employers enact encore end endeavor energy engine england enhance enhanced ensign enterprise
    entertainment entrepreneur entrust envision envoy epic equal equity era escape esquire
    essential essex establishment estate eternal ethical euro europe european event ever everest
    evergreen everything evolution evolve excel excellent exchange executive exp expand exponent
    express extra extreme eye fabric fact fair falcon family farm farmers fashion fast faster fat
    fate father favor february federal fidelity fiesta fifth figure film final finance financial
    fire firm first fisher fitness five flag flagship fleet fleming flex flexible flight flint
    floor flora florida flow fly flying focus fold food foot football force ford foreign foremost
    forest forge formal formula forrest fort forte fortress fortune forum forward fossil foster
    founder four fox frame france francis frank franklin fraud fred free freedom freight french
    frequency fresh friday friend friendly front frontier frontline fuel full fulton fun fund
    funds fuse future gain galaxy gallery gambling game games gaming gap garage garden gas gateway
    gemini gene general generate generation generations genesis genuine george georgia
    german germany giant gift gilt gladstone glass glimpse global globe glory goal gold golden
    golf good goose gordon gorilla government governor grab grace grand grant graph gravity gray
    great greater greece greek green greenwich grey grid grocery ground group grove growing grown
    growth guard guardian guess guide guided gulf hacker half hall hamilton hammer hampshire
    hancock hand hang happy harbor hard harmonic harmony harris harrison hartford harvard harvest
    hawaii hawk hawkins hawthorne health healthcare healthier healthy heartland hedge hello help
    henry hercules here heritage hero hertz high highway hill hillman hills hinge historic hive
    hold holdings holiday holly hollywood home honest hong hoover hope horizon host hot hotel hour
    houston howard hub hudson human hundred hunt hunter huntington huron hydro ice icon idaho idea
    ideal illinois image immune impact imperial impress inception income increase independence
    independent indian indiana indie indigo industrial infinity inflection information inhibitor
    inner innovation innovative insight inspire inspired installed integrated intelligent inter
    interactive interface interior interlink internal international internet interstate invest
    investors invitation iowa irish iron island ivy jack jackpot jackson jacob jaguar james
    january japan japanese jefferson jersey jet jewel john johnson joint jones jordan journey joy
    july june jupiter just kansas katy keel keen kelly kennedy kent kentucky key kid kids kind
    kindle king kingdom kingsway kirby kisses kite knife knight knowledge korea laboratory ladder
    lady lake lakeland lakes lancaster land landmark lane large laser last later latin launch
    laureate law lazy lead leader leading leaf league learning leather lee left legacy legal
    legend lend lending lens level leverage lewis lexicon lexington liberty library life lifeline
    lifetime lift liftoff light lighting lilly limited limitless lincoln line link
    linkage lion liquid liquidity list lithium little live living loan local logistic london lone
    long longevity loop lord los lotus louisiana love loyal luck lucky luna luther luxury lynch
    machine macro macy made madison magazine magellan magic magnet maiden mail main major malibu
    mall man manage managed management manager manhattan maple marathon march marcus margin marin
    marine mark market markets marlin marriage mars marshall martin mary maryland mask mass
    massachusetts master match material matrix matter matthews maverick max maximum may meadow
    means measure media medical medicine medium mega member memory memphis men mercantile mercer
    merchants mercury merge meridian merit messenger meta metal metals method metro metropolitan
    mexico miami michael michigan microchip mid middle midland midwest might mile milestone
    military millennium mills mind mine minerals mini minimum minister minnesota minor minute
    miracle mirror mission missouri mister mixed mobile mobility model modern modular molecular
    moment monarch money monitor monster montana month moody moon more morgan morning mother
    motion motor motorcar mount mountain mouse move movie moving mr multi multiple mural museum
    music mutual myriad nation national natura natural nature naval navigator navy neon neptune
    net nevada new newark newman newport news next nexus nice night nike nine ninth nobel noble
    non nordic norfolk normal norman north northeast northern northwest northwestern norwood
    notable note notice nova novel november now number oak oaks oasis object ocean october ocular
    oddity off offer office ohio oil oklahoma old olive olympic olympus omaha omega omni once one
    online ontario onto open opera opportunity optical option oracle orange order oregon orient
    origin orion osprey other our outdoor outlook outside oxford pacific packaging paid palm
    palmer pan panama panther paper paradise paragon paramount parent paris park parker partner
    partners party pass passage path pathway patient patrick patriot pattern patterson paul pay
    payment peace peak pearl pegasus penguin penn pennsylvania people peoples pepper perfect
    performance perry perspective peru peter phantom phase philip phillips phoenix photo piedmont
    pilot pine pinnacle pioneer pitt pittsburgh place plains plan planet plant plastic platform
    platinum play player plaza plug plus point polar police polish pony pool pop pope popular
    portfolio portland portrait portugal possible post postal potato potential potomac powder
    power practice prairie precise precision preferred premier premium president press prestige
    pretty price pride primary prime prince princeton principal principle print priority private
    pro product production professional profit program progress progressive project promise proof
    property prospect prosperity protect protection proud provident province prudent prudential
    public puerto pulse puma punch pure purple pursuit pyramid quaker quality quantum quarter
    quest quick quiet quote race radiant radio rail rain raise range ranger rapid rare raven ray
    raymond reach reader reading ready real realty reason recharge recon record recovery red
    redwood reed reef reference reflect reform regal regency regent region regional regions
    regular relay relevant reliability reliable reliance relief remark remote renaissance renew
    rent repay replacement report republic rescue research reserve resolution resource resources
    response rest restaurant result retail return revival revolution revolve reward reynolds rice
    rich richard richmond ride ridge right ring rise rising rite river riverside road robert
    roberts robin robot rocket rocky rogers roman rome roof root rose ross rotary route rover row
    royal royalty rubber ruby rule run runway rush russell russia ryan safe safety sage sail
    saint sale salem salt sam sample san sanders sands sandy santa sapphire saratoga satellite
    savannah save savings scholar school schwab sci science scientific scientist scope scorpion
    scott scout screen sea seal season seattle second secret secure security seek select selective
    seneca senior sense sensible sentinel september sequoia series serve service session set seven
    shake shares sharing shark sharp shaw shell shelter shepherd sherman shift shine ship shoe
    shopping shore short show shuttle side sierra sight sign signal signature signify silence
    silicon silver similar simmons simple simply simpson singapore single sirius site six sixth
    sizzle skin sky slack slam sleek sleep slide small smart smith smooth snap snow snowflake
    soccer social society software sol solar sold soleil solid solo solution solutions sonic soon
    sort soul sound source south southeast southern southland southwest sovereign space spain
    spanish spark spartan speaker special specialty spectrum speed sphere spin spire spirit splash
    splendid sports spot spray spring sprint sprout square stable staff stafford stage stamps
    stand standard stanley staple staples star stark start state states station status stay steady
    steel stellar steve stewart still stock stocks stoke stone stop storage store storm
    strategic strategy stratus stream street strength stride strike strive strong structure
    structured student studio study style subject suburban subway success such suffolk sugar suite
    summer summit sun sunday sunlight sunrise sunset super superior supply support supreme sure
    surf surface surge surgery surrey survey sussex sustainable sweet swift swiss switch sword
    symmetry sync synergy system table tag tailored take talk tango tap target tasty taylor
    teacher team tech technical technology teen telecom telegraph telephone temple ten tenable
    tennessee terminal terra test texas text the thesis thing think third thomas thor thought
    three thrive thunder thursday tier tiger tile timber time times tiny titan title toast today
    together toll tomorrow ton tool top tops torch toronto total tower toy track tractor trade
    trading tradition train trans transaction transition transportation travel travelers treasure
    treasury tree trees tri trillion trinity trio trip triple triton triumph troops trophy
    tropical truck true trust truth try tucson tuesday tulip tune turbo turkey turn turner turning
    turtle twelve twenty twin twist twitch two tyler ultimate ultra under union unique unit
    united unity universal universe university unusual up upland upper ups upside upstream uptrend
    uranium urban usa use utah utility valley valor value vanguard variant vector vegas velocity
    venice venture venus verdant verge vermont versus vertex vertical vessel veteran via viaduct
    vibrant vice victor victoria victory video view village vine vintage violet viper virgin
    virginia virtual visa visible vision visit vista vital vivid voice volt voyager vulcan walker
    wall walt war ward warner warren warrior washington waste watch water waters watson wave way
    wayne wealth weather web webster wednesday weed week weekly welcome well wellness wendy wesley
    west western westminster westwood wheel wheeler wheels where white whole wide wild will
    william williams willow wilson win wind window wine wing wings winners winning winter wireless
    wisconsin wise wish wolf woman women wonder wood woods woodward word work world worldwide
    worthington wrap wright yacht yale year yellow yes yield york young yukon zenith zero zinc
    zion zone zoom
    nasdaq nyse moody fitch standard indonesia israel philippines vietnam thailand malaysia taiwan
    dutch danish swedish norwegian finnish russian ukraine korean pakistan nigeria kenya morocco
    ireland scotland scottish austria belgium hungary romania poland finland norway sweden denmark
    permian employers northern southern eastern western stem watson riley kelso
    """.split()
)
