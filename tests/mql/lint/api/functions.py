"""Built-in functions by dialect, one a line; `table.py` reads them.

A line is `NAME ARGUMENTS [POSITION=FAMILY …]`: ARGUMENTS is a count, a range `2-3` or an open range
`1+`; FAMILY is the family of constants that a constant at that position (from 1) must come from.
"""

BOTH = """
Alert 1+
CheckPointer 1
Comment 1+
CryptDecode 4 1=ENUM_CRYPT_METHOD
CryptEncode 4 1=ENUM_CRYPT_METHOD
DebugBreak 0
ExpertRemove 0
GetLastError 0
GetMicrosecondCount 0
GetPointer 1
GetTickCount 0
IsStopped 0
MessageBox 1-3
MQLInfoInteger 1 1=ENUM_MQL_INFO_INTEGER
MQLInfoString 1 1=ENUM_MQL_INFO_STRING
PeriodSeconds 0-1 1=ENUM_TIMEFRAMES
PlaySound 1
Print 1+
PrintFormat 1+
ResetLastError 0
SendFTP 1-2
SendMail 2
SendNotification 1
SetUserError 1
Sleep 1
TerminalClose 1
TerminalInfoDouble 1 1=ENUM_TERMINAL_INFO_DOUBLE
TerminalInfoInteger 1 1=ENUM_TERMINAL_INFO_INTEGER
TerminalInfoString 1 1=ENUM_TERMINAL_INFO_STRING
TesterStatistics 1
UninitializeReason 0
WebRequest 7-9
ZeroMemory 1

Digits 0
Period 0
Point 0
Symbol 0

StringAdd 2
StringBufferLen 1
StringCompare 2-3
StringFill 2
StringFind 2-3
StringGetCharacter 2
StringInit 1-3
StringLen 1
StringReplace 3
StringSetCharacter 3
StringSplit 3
StringSubstr 2-3
StringToLower 1
StringToUpper 1

CharArrayToString 1-4
CharToString 1
ColorToARGB 1-2
ColorToString 1-2
DoubleToString 1-2
EnumToString 1
IntegerToString 1-3
NormalizeDouble 2
ShortArrayToString 1-3
ShortToString 1
StringFormat 1+
StringToCharArray 2-5
StringToColor 1
StringToDouble 1
StringToInteger 1
StringToShortArray 2-4
StringToTime 1
TimeToString 1-2

ArrayCompare 2-5
ArrayCopy 2-5
ArrayFill 4
ArrayFree 1
ArrayGetAsSeries 1
ArrayInitialize 2
ArrayIsDynamic 1
ArrayIsSeries 1
ArrayMaximum 1-3
ArrayMinimum 1-3
ArrayRange 2
ArrayResize 2-3
ArraySetAsSeries 2
ArraySize 1

MathAbs 1
MathArccos 1
MathArcsin 1
MathArctan 1
MathCeil 1
MathCos 1
MathExp 1
MathFloor 1
MathIsValidNumber 1
MathLog 1
MathLog10 1
MathMax 2
MathMin 2
MathMod 2
MathPow 2
MathRand 0
MathRound 1
MathSin 1
MathSqrt 1
MathSrand 1
MathTan 1
acos 1
asin 1
atan 1
ceil 1
cos 1
exp 1
fabs 1
floor 1
fmax 2
fmin 2
fmod 2
log 1
log10 1
pow 2
rand 0
round 1
sin 1
sqrt 1
srand 1
tan 1

StructToTime 1
TimeCurrent 0-1
TimeDaylightSavings 0
TimeGMT 0-1
TimeGMTOffset 0
TimeLocal 0-1
TimeToStruct 2

AccountInfoDouble 1 1=ENUM_ACCOUNT_INFO_DOUBLE
AccountInfoInteger 1 1=ENUM_ACCOUNT_INFO_INTEGER
AccountInfoString 1 1=ENUM_ACCOUNT_INFO_STRING

SymbolInfoDouble 2-3 2=ENUM_SYMBOL_INFO_DOUBLE
SymbolInfoInteger 2-3 2=ENUM_SYMBOL_INFO_INTEGER
SymbolInfoSessionQuote 5 2=ENUM_DAY_OF_WEEK
SymbolInfoSessionTrade 5 2=ENUM_DAY_OF_WEEK
SymbolInfoString 2-3 2=ENUM_SYMBOL_INFO_STRING
SymbolInfoTick 2
SymbolName 2
SymbolSelect 2
SymbolsTotal 1

Bars 2-4 2=ENUM_TIMEFRAMES
CopyClose 5 2=ENUM_TIMEFRAMES
CopyHigh 5 2=ENUM_TIMEFRAMES
CopyLow 5 2=ENUM_TIMEFRAMES
CopyOpen 5 2=ENUM_TIMEFRAMES
CopyRates 5 2=ENUM_TIMEFRAMES
CopyTickVolume 5 2=ENUM_TIMEFRAMES
CopyTime 5 2=ENUM_TIMEFRAMES
SeriesInfoInteger 3-4 2=ENUM_TIMEFRAMES 3=ENUM_SERIES_INFO_INTEGER
iBarShift 3-4 2=ENUM_TIMEFRAMES
iBars 2 2=ENUM_TIMEFRAMES
iClose 3 2=ENUM_TIMEFRAMES
iHigh 3 2=ENUM_TIMEFRAMES
iHighest 3-5 2=ENUM_TIMEFRAMES
iLow 3 2=ENUM_TIMEFRAMES
iLowest 3-5 2=ENUM_TIMEFRAMES
iOpen 3 2=ENUM_TIMEFRAMES
iTime 3 2=ENUM_TIMEFRAMES
iVolume 3 2=ENUM_TIMEFRAMES

EventChartCustom 5
EventKillTimer 0
EventSetMillisecondTimer 1
EventSetTimer 1

GlobalVariableCheck 1
GlobalVariableDel 1
GlobalVariableGet 1-2
GlobalVariableName 1
GlobalVariableSet 2
GlobalVariableSetOnCondition 3
GlobalVariableTemp 1
GlobalVariableTime 1
GlobalVariablesDeleteAll 0-2
GlobalVariablesFlush 0
GlobalVariablesTotal 0

ChartClose 0-1
ChartFirst 0
ChartGetDouble 2-4
ChartGetInteger 2-4
ChartGetString 2-3
ChartID 0
ChartNext 1
ChartOpen 2 2=ENUM_TIMEFRAMES
ChartPeriod 0-1
ChartRedraw 0-1
ChartSetDouble 3
ChartSetInteger 3-4
ChartSetString 3
ChartSetSymbolPeriod 3 3=ENUM_TIMEFRAMES
ChartSymbol 0-1

FileClose 1
FileCopy 4
FileDelete 1-2
FileFindClose 1
FileFindFirst 2-3
FileFindNext 2
FileFlush 1
FileIsEnding 1
FileIsExist 1-2
FileIsLineEnding 1
FileMove 4
FileOpen 2-4
FileReadArray 2-4
FileReadBool 1
FileReadDatetime 1
FileReadFloat 1
FileReadInteger 1-2
FileReadLong 1
FileReadNumber 1
FileReadString 1-2
FileReadStruct 2-3
FileSeek 3 3=ENUM_FILE_POSITION
FileSize 1
FileTell 1
FileWrite 1+
FileWriteArray 2-4
FileWriteFloat 2
FileWriteInteger 2-3
FileWriteLong 2
FileWriteString 2-3
FileWriteStruct 2-3
FolderClean 1-2
FolderCreate 1-2
FolderDelete 1-2
"""

MQL5 = """
GetTickCount64 0
SetReturnError 1

StringReserve 2
StringSetLength 2
StringConcatenate 2+
StringTrimLeft 1
StringTrimRight 1
CharArrayToStruct 2-3
StructToCharArray 2-3

ArrayBsearch 2
ArrayInsert 3-5
ArrayPrint 1-6
ArrayRemove 2-3
ArrayReverse 1-3
ArraySort 1
ArraySwap 2

MathArccosh 1
MathArcsinh 1
MathArctan2 2
MathArctanh 1
MathClassify 1
MathCosh 1
MathExpm1 1
MathLog1p 1
MathSinh 1
MathSwap 1
MathTanh 1

TimeTradeServer 0-1

SymbolExist 2
SymbolInfoMarginRate 4 2=ENUM_ORDER_TYPE
SymbolIsSynchronized 1
MarketBookAdd 1
MarketBookGet 2
MarketBookRelease 1

CopyRealVolume 5 2=ENUM_TIMEFRAMES
CopySpread 5 2=ENUM_TIMEFRAMES
CopyTicks 2-5
CopyTicksRange 2-5
iRealVolume 3 2=ENUM_TIMEFRAMES
iSpread 3 2=ENUM_TIMEFRAMES
iTickVolume 3 2=ENUM_TIMEFRAMES

SocketClose 1
SocketConnect 4
SocketCreate 0-1
SocketIsConnected 1
SocketIsReadable 1
SocketIsWritable 1
SocketRead 4
SocketSend 3
SocketTimeouts 3
SocketTlsCertificate 6
SocketTlsHandshake 2
SocketTlsRead 3
SocketTlsReadAvailable 3
SocketTlsSend 3

OrderCalcMargin 5 1=ENUM_ORDER_TYPE
OrderCalcProfit 6 1=ENUM_ORDER_TYPE
OrderCheck 2
OrderSend 2
OrderSendAsync 2

PositionGetDouble 1-2 1=ENUM_POSITION_PROPERTY_DOUBLE
PositionGetInteger 1-2 1=ENUM_POSITION_PROPERTY_INTEGER
PositionGetString 1-2 1=ENUM_POSITION_PROPERTY_STRING
PositionGetSymbol 1
PositionGetTicket 1
PositionSelect 1
PositionSelectByTicket 1
PositionsTotal 0

OrderGetDouble 1-2 1=ENUM_ORDER_PROPERTY_DOUBLE
OrderGetInteger 1-2 1=ENUM_ORDER_PROPERTY_INTEGER
OrderGetString 1-2 1=ENUM_ORDER_PROPERTY_STRING
OrderGetTicket 1
OrderSelect 1
OrdersTotal 0

HistorySelect 2
HistorySelectByPosition 1
HistoryDealGetDouble 2-3 2=ENUM_DEAL_PROPERTY_DOUBLE
HistoryDealGetInteger 2-3 2=ENUM_DEAL_PROPERTY_INTEGER
HistoryDealGetString 2-3 2=ENUM_DEAL_PROPERTY_STRING
HistoryDealGetTicket 1
HistoryDealSelect 1
HistoryDealsTotal 0
HistoryOrderGetDouble 2-3 2=ENUM_ORDER_PROPERTY_DOUBLE
HistoryOrderGetInteger 2-3 2=ENUM_ORDER_PROPERTY_INTEGER
HistoryOrderGetString 2-3 2=ENUM_ORDER_PROPERTY_STRING
HistoryOrderGetTicket 1
HistoryOrderSelect 1
HistoryOrdersTotal 0

FileReadDouble 1
FileWriteDouble 2
"""

MQL4 = """
StringConcatenate 1+
StringTrimLeft 1
StringTrimRight 1

ArrayBsearch 2-5
ArrayCopyRates 1-3
ArrayCopySeries 2-4
ArrayDimension 1
ArraySort 1-4

CharToStr 1
DoubleToStr 2
StrToDouble 1
StrToInteger 1
StrToTime 1
TimeToStr 1-2

Day 0
DayOfWeek 0
DayOfYear 0
Hour 0
Minute 0
Month 0
Seconds 0
TimeDay 1
TimeDayOfWeek 1
TimeDayOfYear 1
TimeHour 1
TimeMinute 1
TimeMonth 1
TimeSeconds 1
TimeYear 1
Year 0

AccountBalance 0
AccountCompany 0
AccountCredit 0
AccountCurrency 0
AccountEquity 0
AccountFreeMargin 0
AccountFreeMarginCheck 3
AccountFreeMarginMode 0
AccountLeverage 0
AccountMargin 0
AccountName 0
AccountNumber 0
AccountProfit 0
AccountServer 0
AccountStopoutLevel 0
AccountStopoutMode 0

IsConnected 0
IsDemo 0
IsDllsAllowed 0
IsExpertEnabled 0
IsLibrariesAllowed 0
IsOptimization 0
IsTesting 0
IsTradeAllowed 0-2
IsTradeContextBusy 0
IsVisualMode 0
TerminalCompany 0
TerminalName 0
TerminalPath 0
MQLSetInteger 2

MarketInfo 2 2=MARKET_INFO
RefreshRates 0

OrderClose 5
OrderCloseBy 3
OrderClosePrice 0
OrderCloseTime 0
OrderComment 0
OrderCommission 0
OrderDelete 2
OrderExpiration 0
OrderLots 0
OrderMagicNumber 0
OrderModify 6
OrderOpenPrice 0
OrderOpenTime 0
OrderPrint 0
OrderProfit 0
OrderSelect 2-3 2=ORDER_SELECT 3=ORDER_POOL
OrderSend 7-11 2=TRADE_OPERATION
OrderStopLoss 0
OrderSwap 0
OrderSymbol 0
OrderTakeProfit 0
OrderTicket 0
OrderType 0
OrdersHistoryTotal 0
OrdersTotal 0

FileReadDouble 1-2
FileWriteDouble 2-3
"""

# The same name, another meaning: not in a source that both dialects share.
DIFFERENT = {
    "ArrayBsearch": "MQL4 takes count, start and direction",
    "ArraySort": "MQL4 takes count, start and direction",
    "Bars": "a function in MQL5, also a variable in MQL4",
    "OrderSelect": "MQL5 selects by ticket, MQL4 by index or ticket in a pool",
    "OrderSend": "MQL5 takes a request, MQL4 eleven arguments",
    "OrdersTotal": "MQL5 counts pending orders, MQL4 open positions too",
    "StringConcatenate": "MQL5 writes into its first argument, MQL4 returns the text; use +",
    "StringTrimLeft": "MQL5 trims its argument, MQL4 returns the trimmed text",
    "StringTrimRight": "MQL5 trims its argument, MQL4 returns the trimmed text",
}
