"""Built-in types, structures, variables, handlers and reserved words; `table.py` reads them."""

BASE_TYPES = """
    bool char uchar short ushort int uint long ulong float double string datetime color void
"""

# Words that the compilers keep for themselves although C++ would take them as names.
RESERVED = """
    bool char uchar short ushort int uint long ulong float double string datetime color void input
    sinput extern interface virtual export import property group matrix vector matrixf vectorf
    complex true false NULL this
"""

ENUMS_BOTH = """
    ENUM_CHART_PROPERTY_INTEGER ENUM_CHART_PROPERTY_DOUBLE ENUM_CHART_PROPERTY_STRING
    ENUM_LICENSE_TYPE ENUM_OBJECT ENUM_BASE_CORNER ENUM_DATATYPE
"""
ENUMS_MQL5 = "ENUM_SYMBOL_OPTION_MODE ENUM_SYMBOL_OPTION_RIGHT ENUM_SYMBOL_SWAP_MODE"

STRUCTURES_BOTH = {
    "MqlDateTime": "year mon day hour min sec day_of_week day_of_year",
    "MqlRates": "time open high low close tick_volume spread real_volume",
    "MqlTick": "time bid ask last volume",
}
STRUCTURES_MQL5 = {
    "MqlTick": "time_msc flags volume_real",
    "MqlBookInfo": "type price volume volume_real",
    "MqlTradeRequest": """
        action magic order symbol volume price stoplimit sl tp deviation type type_filling type_time
        expiration comment position position_by
    """,
    "MqlTradeResult": """
        retcode deal order volume price bid ask comment request_id retcode_external
    """,
    "MqlTradeCheckResult": "retcode balance equity profit margin margin_free margin_level comment",
    "MqlTradeTransaction": """
        deal order symbol type order_type order_state deal_type time_type time_expiration price
        price_trigger price_sl price_tp volume position position_by
    """,
}

VARIABLES_BOTH = "_Digits _Point _LastError _Period _RandomSeed _StopFlag _Symbol _UninitReason"
VARIABLES_MQL5 = "_AppliedTo _IsX64"
VARIABLES_MQL4 = "Ask Bid Bars Digits Point Open High Low Close Time Volume"

# Result types and the types of the parameters of each handler; two lines are two forms.
HANDLERS_BOTH = """
    OnInit int|void
    OnDeinit void int
    OnTick void
    OnTimer void
    OnChartEvent void int long& double& string&
    OnTester double
    OnStart void|int
"""
HANDLERS_MQL5 = """
    OnTrade void
    OnTradeTransaction void MqlTradeTransaction& MqlTradeRequest& MqlTradeResult&
    OnBookEvent void string&
    OnTesterInit void|int
    OnTesterDeinit void
    OnTesterPass void
"""

PROPERTIES = """
    copyright link version description strict icon stacksize library script_show_inputs
    script_show_confirm show_inputs
"""
