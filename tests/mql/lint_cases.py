"""Planted sources for the linter: `//! RULE …` at the end of a line names what must be found there.

Each case has bad lines and, below them, good ones of the same kind that must not be found. They
stand behind the head of a program; a case is for one dialect, or for a header that both include.
"""

BOTH = {
    "a call of nothing": """
        void Bad() { Prlnt("x"); } //! call
        void Good() { Print("x"); Later(1); }
        void Later(int x, int y = 2) { }
    """,
    "too many and too few arguments": """
        int gRows[];
        void Two(int x, int y) { }
        void Bad() { Two(1); } //! arity
        int Bad2() { return StringFind("a"); } //! arity
        void Bad3() { Two(1, 2, 3); ArrayResize(gRows, 1, 2, 3); } //! arity arity
        void Good() { Two(1, StringFind("a", "b")); ArrayResize(gRows, 3); }
    """,
    "a constant of nobody": """
        int Bad() { return SYMBOL_DIGIT; } //! name
        long Good() { return SymbolInfoInteger(_Symbol, SYMBOL_DIGITS) + ACCOUNT_LOGIN; }
    """,
    "a variable of nobody": """
        int Bad() { return gNothing; } //! name
        int Good(int given) { int own = given; return own; }
    """,
    "a constant of another family": """
        double Bad() { return SymbolInfoDouble(_Symbol, SYMBOL_DIGITS); } //! family
        double Good() { return SymbolInfoDouble(_Symbol, SYMBOL_POINT); }
    """,
    "members": """
        struct Row { int size; string name; };
        void Bad(const MqlDateTime &at) { int x = at.minute; } //! member
        void Bad2(Row &row) { row.price = 1; } //! member
        void Good(const MqlDateTime &at, Row &rows[]) { rows[0].size = at.min; }
    """,
    "only in the other dialects": """
        void Bad() { int x = PositionsTotal(); } //! call
        void Bad2() { int x = OrderTicket(); } //! call
        int Bad3() { return MODE_TRADES; } //! name
        long Bad4() { return POSITION_TICKET; } //! name
        void Bad5(MqlTradeRequest &r) { } //! name
        #ifdef __MQL5__
        int Good() { return PositionsTotal() + OrdersTotal(); }
        #else
        int Good() { return MODE_TRADES; }
        #endif
    """,
    "the same name, another meaning": """
        int Bad() { return OrdersTotal(); } //! dialect
        #ifdef __MQL4__
        int Good() { return OrdersTotal(); }
        #endif
    """,
    "twice": """
        int Twin(int x) { return x; }
        int Twin(int y) { return y; } //! twice
        int Twin(string text) { return 0; }
        int gTwin = 0;
        int gTwin = 1; //! twice
        #define LIMIT 1
        #define LIMIT 2 //! twice
        int ArraySize(string x) { return 0; } //! twice
        int Once(int x);
        int Once(int x) { return x; }
    """,
    "order": """
        int Bad() { return BELOW + gBelow; } //! order order
        void Bad2(Later &x) { } //! order
        #define BELOW 1
        int gBelow = 0;
        struct Later { int x; };
        int Good(Later &later) { return BELOW + gBelow; }
    """,
    "handlers": """
        void OnTimer(int x) { } //! handler
        void OnDeInit(const int reason) { } //! handler
        void OnDeinit(const int reason) { }
        int OnInit() { return INIT_SUCCEEDED; }
    """,
    "words of C++": """
        void Bad() { auto x = 1; } //! subset
        void Bad2() { std::string x; } //! subset
        void Bad3() { int y = NULL == nullptr; } //! subset
        void Bad4() { try { Sleep(1); } catch(int e) { } } //! subset subset
        constexpr int gK = 1; //! subset
        int Bad5(int x) { return static_cast<int>(x); } //! subset name
        void Bad6() { here: goto here; } //! subset subset
        int Bad7(unsigned int x) { return 0; } //! subset subset
        int Bad8(long long x) { return 0; } //! subset
        void Bad9() { size_t n = 0; } //! subset name
        void Bad10() { uint8_t n = 0; } //! subset
        void Bad11(Unknown &it) { char16_t n = 0; } //! name
        extern int gLater; //! subset
        typedef int Whole; //! subset name
        // auto nullptr -> std:: in a comment, "new" in a text
        string Good() { return "auto std:: -> nullptr new"; }
        uint Good2(ulong x, long y, short z) { return (uint)x; }
    """,
    "pointers and references": """
        void Bad(int *p) { } //! subset
        void Bad2() { int x = 1; int &y = x; } //! subset
        int Bad3(MqlTick &t) { return t->volume; } //! subset
        int Bad4(int x) { return *x; } //! subset
        void Bad5() { int x = 1; Good(&x); } //! subset
        void Bad6(int a[]) { } //! subset
        void Bad7(MqlTick tick) { } //! subset
        int Good(int &x) { return x * x; }
        void Good2(const int &a[], const MqlTick &tick, string s) { int n = ArraySize(a) & 1; }
    """,
    "other constructs": """
        void Bad() { int a[3]; for(int x : a) Sleep(1); } //! subset
        void Bad2() { int a[2]; a = {1, 2}; } //! subset
        void Bad3() { int x{3}; } //! subset
        void Bad4(string s) { switch(s) { case "a": break; } } //! subset
        void Bad5() { int n = 3; int a[n]; } //! subset
        int Bad6() { return 10u + 017; } //! subset
        string Bad7() { return "a" "b"; } //! subset
        void (*gBad8)(int); //! subset
        void Bad9() { int f = [](int x) { return x; }(1); } //! subset
        int Bad10() { return ::Good(1); } //! subset call
        enum class Kind { One }; //! subset
        class Holder { int x = 1; }; //! subset
        template<typename T> T Bad11(T x) { return x; } //! subset name
        void Bad12() { static int x = Good(1); } //! subset
        #define SIZE 3
        int Good(int x) {
            int a[SIZE] = {1, 2, 3};
            switch(x) { case 1: case SIZE: return 0x1F; default: break; }
            for(int i = 0, j = 1; i < 3; i++, j++) a[i] = j;
            MqlTick tick = {0};
            datetime at = D'2024.01.01 00:00';
            color c = C'1,2,0xff';
            return (int)(a[0] > 1 ? 10.5e3 : -1) + (int)(double)x;
        }
        class Counter { private: int m_x; public: Counter() : m_x(0) { } int Next(int by); };
        int Counter::Next(int by) { m_x += by; return m_x; }
        int Good2() { Counter c; return c.Next(1); }
    """,
    "methods": """
        class Counter { public: int m_x; int Next(int by) { m_x += by; return m_x; } };
        int Bad() { Counter c; return c.Next(); } //! arity
        int Bad2() { Counter c; return c.Last(); } //! call
        int Good() { Counter c; return c.Next(1) + c.m_x; }
    """,
    "texts and names": """
        string Bad() { return "naïve"; } //! text
        string Bad2() { return "\\u0041"; } //! text
        int Bad3() { int NAME64 = 1; return 0; } //! name
        int Good() { int NAME63 = 1; return StringGetCharacter("\\t\\\\\\x41", 0) == '\\n'; }
    """,
    "macros": """
        #define HALF(x) ((x) / 2)
        #define BAD (NOTHING + 1) //! name
        int Bad() { return HALF(1, 2); } //! arity
        int Good() { return HALF(3); }
    """,
    "directives": """
        #include "Nowhere.mqh" //! include
        #include <Trade/Trade.mqh> //! include
        #pragma once //! directive
        #ifdef NOBODY
        int never = 1; //! directive
        #endif
    """,
}

MQL5 = {
    "MQL4 names": """
        int Bad() { return MarketInfo("X", 1) > 0; } //! call
        double Bad2() { return Ask; } //! name
        int Bad3() { return OrderSelect(1, SELECT_BY_POS); } //! arity name
        ENUM_ORDER_TYPE_FILLING Good() { return ORDER_FILLING_FOK; }
        bool Good2(MqlTradeRequest &q, MqlTradeResult &r) { return OrderSend(q, r) && r.order > 0; }
        void OnTradeTransaction(const MqlTradeTransaction &t, const MqlTradeRequest &q,
                                const MqlTradeResult &r) { }
    """,
    "inputs": """
        input group "Connection"
        input int InpPort = 7788;
        sinput string InpHost = "127.0.0.1";
        void Bad() { InpPort = 1; } //! subset
        int Good() { return InpPort + StringLen(InpHost); }
    """,
}

MQL4 = {
    "MQL5 names": """
        int Bad() { return ORDER_FILLING_FOK; } //! name
        int Bad2() { return SocketCreate(); } //! call
        int Bad3(MqlTick &t) { return t.flags; } //! member
        void OnTrade() { } //! handler
        input group "Connection" //! dialect
        bool Good() { return OrderSelect(0, SELECT_BY_POS, MODE_TRADES) && OrderTicket() > 0; }
        int Good2() { return OrderSend(Symbol(), OP_BUY, 0.1, Ask, 3, 0, 0, "id", 1, 0, clrNONE); }
    """,
    "imports": """
        #import "ws2_32.dll"
        int socket(int family, int type, int protocol);
        #import
        int Bad() { return socket(2); } //! arity
        int Good() { return socket(2, 1, 6); }
    """,
}
