"""What instruments there are and how venues write them, as plain tables; for `registry`.

Written from brokers' and exchanges' public symbol lists. A spelling that means different things
at different venues is left out: it is UNKNOWN until an account's own map says what it is.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CURRENCIES = _words(
    "EUR GBP AUD NZD USD CAD CHF SGD HKD DKK NOK SEK PLN CZK HUF RON TRY ZAR MXN CNH CNY THB ILS "
    "INR KRW BRL CLP COP IDR TWD PHP MYR KES NGN AED SAR JPY"
)
"""In the order of the market's convention: a pair's base stands before its quote."""

BASES = ("EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF")
"""Currencies that are the base against everything after them."""

CROSSES = _words(
    "SGDJPY HKDJPY NOKJPY SEKJPY DKKJPY PLNJPY CZKJPY HUFJPY TRYJPY ZARJPY MXNJPY CNHJPY THBJPY "
    "NOKSEK NOKDKK SGDHKD"
)
"""Other pairs that are dealt."""

METALS = {"XAU": "GOLD", "XAG": "SILVER", "XPT": "PLATINUM", "XPD": "PALLADIUM"}
METAL_QUOTES = ("USD", "EUR", "GBP", "AUD", "CHF", "JPY", "CAD", "SGD", "CNH", "TRY")

INDICES = {
    "US30": "USD",
    "US500": "USD",
    "NAS100": "USD",
    "US2000": "USD",
    "USDX": "USD",
    "VIX": "USD",
    "GER40": "EUR",
    "MDAX": "EUR",
    "TECDAX": "EUR",
    "UK100": "GBP",
    "FRA40": "EUR",
    "EU50": "EUR",
    "ES35": "EUR",
    "IT40": "EUR",
    "NL25": "EUR",
    "SWI20": "CHF",
    "JP225": "JPY",
    "AUS200": "AUD",
    "HK50": "HKD",
    "CN50": "USD",
    "CA60": "CAD",
    "SG30": "SGD",
}
"""Index → the currency of its points."""

COMMODITIES = {"USOIL": "USD", "UKOIL": "USD", "NATGAS": "USD", "COPPER": "USD"}
"""Cash contracts; a future with a month of its own is none of them."""

NAMES = {
    "US30": "DJ30 WS30 DOW DOW30 DJI DJIA DJI30 DJIUSD USA30 WALLSTREET WALLSTREET30 WALLST30 "
    "WALLST WALL30 US30USD DOWJONES DOWJONES30",
    "US500": "SPX500 SP500 SPX USA500 US500USD SPX500USD S&P500 USSPX500 SPXUSD USSP500 SPX500USD",
    "NAS100": "USTEC US100 NDX100 NDX NASDAQ100 NASDAQ USTECH USTECH100 TECH100 USTEC100 USATECH "
    "NAS100USD US100USD USNDX100 USATEC USNAS100 NQ100 NSDQ100",
    "US2000": "RUSSELL2000 RUS2000 USSMALL2000 US2000USD RUT USA2000 RUSS2000 USRUSS2000",
    "USDX": "DXY DOLLARINDEX USDINDEX USDOLLARINDEX DOLLARINDX USDIDX",
    "VIX": "VOLX VOLATILITYINDEX",
    "GER40": "DE40 GDAXI DAX40 DAX GERMANY40 DEU40 GER40EUR DE40EUR GER30 DE30 DAX30 GERMANY30 "
    "DEU30 DE30EUR GER30EUR",
    "UK100": "FTSE100 FTSE UKX GB100 GBR100 UK100GBP UKFTSE100 FTSE100GBP UNITEDKINGDOM100",
    "FRA40": "FR40 CAC40 CAC F40 FCHI FRANCE40 FR40EUR FRA40EUR",
    "EU50": "EUSTX50 STOXX50 ESTX50 EUROSTOXX50 STOXX50E EUR50 EUROPE50 EURO50 EU50EUR ESX50 SX5E "
    "EURSTX50",
    "ES35": "ESP35 SPA35 IBEX35 IBEX SPAIN35 ES35EUR ESP35EUR",
    "IT40": "ITA40 FTSEMIB ITALY40 MIB40 ITA40EUR",
    "NL25": "NED25 AEX AEX25 NETH25 NETHERLANDS25 HOLLAND25 NLD25 NL25EUR",
    "SWI20": "CH20 SMI SMI20 SUI20 SWISS20 SWITZERLAND20 CHE20 CH20CHF SWI20CHF",
    "JP225": "JPN225 NI225 NIKKEI225 NIKKEI JAP225 J225 JAPAN225 NIK225 N225 JP225JPY JPN225JPY",
    "AUS200": "AU200 ASX200 SPI200 AUSTRALIA200 AUS200AUD AU200AUD AUSSIE200",
    "HK50": "HKG50 HSI HSI50 HONGKONG50 HANGSENG HKG33 HK33 HK33HKD HK50HKD HANGSENG50",
    "CN50": "CHINA50 CHN50 CHINAA50 FTSECHINA50 CN50USD CHINAA50INDEX",
    "CA60": "CAN60 CANADA60 TSX60",
    "SG30": "SIN30 SINGAPORE30 SG30SGD SIMSCI",
    "USOIL": "WTI XTIUSD WTIUSD USCRUDE USCRUDEOIL CRUDOIL WTIOIL WTICO WTICOUSD USOUSD USOILUSD "
    "SPOTCRUDE SPOTWTI CRUDEOILWTI WTICRUDE WTICRUDEOIL OILWTI USWTI USOILSPOT WTISPOT LIGHTCRUDE",
    "UKOIL": "BRENT XBRUSD BRENTUSD UKCRUDE UKCRUDEOIL BRENTOIL BCO BCOUSD UKOUSD UKOILUSD "
    "SPOTBRENT BRENTCRUDE BRENTCRUDEOIL CRUDEOILBRENT OILBRENT UKBRENT UKOILSPOT BRENTSPOT",
    "NATGAS": "XNGUSD NGAS NATURALGAS NATGASUSD USNATGAS NGUSD SPOTNATGAS NATGASSPOT USNGAS",
    "COPPER": "XCUUSD COPPERUSD SPOTCOPPER",
    "XAUUSD": "GOLD SPOTGOLD GOLDSPOT GOLDUSD GOLDSPOTUSD XAU",
    "XAGUSD": "SILVER SPOTSILVER SILVERSPOT SILVERUSD XAG",
    "XPTUSD": "PLATINUM PLATINUMUSD XPT SPOTPLATINUM",
    "XPDUSD": "PALLADIUM PALLADIUMUSD XPD SPOTPALLADIUM",
}
"""Instrument → other names of it, in upper case and without separators."""

SEVERAL = {
    "OIL": ("UKOIL", "USOIL"),
    "CRUDE": ("UKOIL", "USOIL"),
    "CRUDEOIL": ("UKOIL", "USOIL"),
    "OILUSD": ("UKOIL", "USOIL"),
    "SPOTOIL": ("UKOIL", "USOIL"),
}
"""Names that are not enough to say which instrument is meant."""

EXPLAINED = {
    "GER30": "the DAX has 40 members since September 2021: its history before is another index's",
    "DE30": "the DAX has 40 members since September 2021: its history before is another index's",
    "DAX30": "the DAX has 40 members since September 2021: its history before is another index's",
}
"""What a person should know beside the answer."""

FUTURES = _words("ES NQ YM RTY CL GC SI NG BZ HG PL PA MES MNQ MYM MCL MGC FDAX FESX")
"""Roots of futures: with or without a month they are no cash instrument."""

CRYPTO = _words(
    "BTC ETH XRP LTC BCH ADA SOL DOT DOGE LINK AVAX UNI ATOM XLM ETC TRX FIL XMR EOS AAVE NEAR "
    "ALGO ICP VET XTZ SAND MANA AXS THETA GRT MKR COMP SNX CRV YFI SUSHI ZEC DASH NEO QTUM BAT ENJ "
    "ZRX KSM APT ARB OP SUI INJ SEI TIA PEPE SHIB FTM HBAR RUNE LDO IMX STX TON BNB MATIC POL FLOW "
    "CHZ GALA DYDX APE JUP WIF BONK FET RNDR ENS BSV ONDO"
)
CRYPTO_QUOTES = _words("USD USDT USDC EUR GBP JPY AUD CHF CAD TRY BTC ETH BNB FDUSD TUSD DAI")
STABLE = ("USDT", "USDC", "FDUSD", "TUSD", "DAI")
"""Coins that follow a currency and are not that currency."""

PIECES = {
    "XBT": "BTC",
    "XDG": "DOGE",
    "GOLD": "XAU",
    "SILVER": "XAG",
    "PLATINUM": "XPT",
    "PALLADIUM": "XPD",
    "BITCOIN": "BTC",
    "ETHEREUM": "ETH",
}
"""Halves of a pair that venues write otherwise."""

BITFINEX = {"UST": "USDT", "UDC": "USDC", "DSH": "DASH", "QTM": "QTUM"}
"""Halves in Bitfinex's own ids alone, which begin with `t`."""

SHARES = _words(
    "AAPL MSFT AMZN GOOG GOOGL META TSLA NVDA NFLX AMD INTC IBM ORCL CSCO ADBE CRM PYPL QCOM TXN "
    "AVGO MU PFE MRK JNJ ABBV LLY UNH KO PEP MCD SBUX NKE DIS WMT TGT COST HD LOW BA CAT GE MMM "
    "XOM CVX JPM BAC GS MS WFC AXP UBER LYFT SHOP SPOT ZM SNAP PINS ROKU COIN PLTR GOLD BABA "
    "FDX UPS DAL AAL UAL GM V C F T A M MA X"
)
"""Tickers listed in the United States; one of a single letter is a share with its mark only."""

LISTINGS = ("US", "OQ", "N", "O", "NAS", "NYSE", "NASDAQ", "NYS", "NSQ")
"""What follows a ticker of the United States."""

SUFFIX_WORDS = _words(
    "raw pro ecn fx cash std stp prime micro mini spot zero vip sb cfd plus classic c m i r a x z"
)
"""Words that follow a symbol after a separator, in any case."""

SUFFIX_BARE = _words("m i r c a z x pro ecn raw fx cash micro stp std sb")
"""What follows a symbol without a separator, in lower case behind upper case."""

SUFFIX_SIGNS = ("+", "#", "-", ".", "!", "^", "_", "*")
PREFIX_WORDS = _words("m i fx cfd ecn pro raw")
"""Words that stand before a symbol and a separator, in any case."""
PREFIX_SIGNS = ("#", ".", "_", "^", "-")
