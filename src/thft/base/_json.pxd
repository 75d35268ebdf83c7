# JSON and number texts read natively; cimported by what reads venues' messages.

cdef extern from "json_core.h":
    ctypedef const unsigned char *Text "thft_text"
    ctypedef struct Cursor "thft_cursor":
        Text at
        Text end
    enum:
        PRICE_DIGITS "THFT_PRICE_DIGITS"
        SIZE_DIGITS "THFT_SIZE_DIGITS"
        MOST_DIGITS "THFT_MOST_DIGITS"
    const long long *POWERS "thft_powers"
    bint scaled "thft_scaled"(Text at, Text end, int digits, bint json, long long *value) noexcept
    bint token "thft_token"(Cursor *cursor, unsigned char wanted) noexcept
    bint string "thft_string"(Cursor *cursor, Text *start, Text *stop) noexcept
    bint number "thft_number"(Cursor *cursor, int digits, long long *value) noexcept
    bint skip "thft_skip"(Cursor *cursor, int depth) noexcept
    bint row "thft_row"(Cursor *cursor, long long *to) noexcept
