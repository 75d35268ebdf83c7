"""The messages of FIX 4.4 and the parts they share; read by `thft.fix.dictionary`.

Notation: a number is a field, `!` behind it makes it required, `N[…]` is a repeating group with
its members in order, `@Part` stands for the fields of a part, whose `!` count only in `@Part!`.
"""

TYPES = """
0 Heartbeat
1 TestRequest
2 ResendRequest
3 Reject
4 SequenceReset
5 Logout
6 IOI
7 Advertisement
8 ExecutionReport
9 OrderCancelReject
A Logon
B News
C Email
D NewOrderSingle
E NewOrderList
F OrderCancelRequest
G OrderCancelReplaceRequest
H OrderStatusRequest
J AllocationInstruction
K ListCancelRequest
L ListExecute
M ListStatusRequest
N ListStatus
P AllocationInstructionAck
Q DontKnowTrade
R QuoteRequest
S Quote
T SettlementInstructions
V MarketDataRequest
W MarketDataSnapshotFullRefresh
X MarketDataIncrementalRefresh
Y MarketDataRequestReject
Z QuoteCancel
a QuoteStatusRequest
b MassQuoteAcknowledgement
c SecurityDefinitionRequest
d SecurityDefinition
e SecurityStatusRequest
f SecurityStatus
g TradingSessionStatusRequest
h TradingSessionStatus
i MassQuote
j BusinessMessageReject
k BidRequest
l BidResponse
m ListStrikePrice
n XMLnonFIX
o RegistrationInstructions
p RegistrationInstructionsResponse
q OrderMassCancelRequest
r OrderMassCancelReport
s NewOrderCross
t CrossOrderCancelReplaceRequest
u CrossOrderCancelRequest
v SecurityTypeRequest
w SecurityTypes
x SecurityListRequest
y SecurityList
z DerivativeSecurityListRequest
AA DerivativeSecurityList
AB NewOrderMultileg
AC MultilegOrderCancelReplace
AD TradeCaptureReportRequest
AE TradeCaptureReport
AF OrderMassStatusRequest
AG QuoteRequestReject
AH RFQRequest
AI QuoteStatusReport
AJ QuoteResponse
AK Confirmation
AL PositionMaintenanceRequest
AM PositionMaintenanceReport
AN RequestForPositions
AO RequestForPositionsAck
AP PositionReport
AQ TradeCaptureReportRequestAck
AR TradeCaptureReportAck
AS AllocationReport
AT AllocationReportAck
AU ConfirmationAck
AV SettlementInstructionRequest
AW AssignmentReport
AX CollateralRequest
AY CollateralAssignment
AZ CollateralResponse
BA CollateralReport
BB CollateralInquiry
BC NetworkStatusRequest
BD NetworkStatusResponse
BE UserRequest
BF UserResponse
BG CollateralInquiryAck
BH ConfirmationRequest
"""
"""All message types; those without an entry in MESSAGES are known by name only."""

PARTS = {
    "Header": """8! 9! 35! 49! 56! 115 128 90 91 34! 50 142 57 143 116 144 129 145 43 97 52! 122
        212 213 347 369 627[628 629 630]""",
    "Trailer": "93 89 10!",
    "Instrument": """55! 65 48 22 454[455 456] 460 461 167 762 200 541 201 224 225 239 226 227 228
        255 543 470 471 472 240 202 947 206 231 223 207 106 348 349 107 350 351 691 667 875 876
        864[865 866 867 868] 873 874""",
    "InstrumentExtension": "668 869 870[871 872]",
    "UnderlyingInstrument": """311! 312 309 305 457[458 459] 462 463 310 763 313 542 315 241 242 243
        244 245 246 256 595 592 593 594 247 316 941 317 436 435 308 306 362 363 307 364 365 877
        878 318 879 810 882 883 884 885 886 887[888 889]""",
    "InstrumentLeg": """600 601 602 603 604[605 606] 607 608 609 764 610 611 248 249 250 251 252
        253 257 599 596 597 598 254 612 942 613 614 615 616 617 618 619 620 621 622 623 624 556
        740 739 955 956""",
    "Underlyings": "711[@UnderlyingInstrument]",
    "Legs": "555[@InstrumentLeg]",
    "Parties": "453[448 447 452 802[523 803]]",
    "NestedParties": "539[524 525 538 804[545 805]]",
    "NestedParties2": "756[757 758 759 806[760 807]]",
    "OrderQtyData": "38 152 516 468 469",
    "CommissionData": "12 13 479 497",
    "SpreadData": "218 220 221 222 662 663 699 761",
    "YieldData": "235 236 701 696 697 698",
    "Stipulations": "232[233 234]",
    "LegStipulations": "683[688 689]",
    "LegBenchmark": "676 677 678 679 680",
    "Financing": "913 914 915 918 788 916 917 919 898",
    "TrdRegTimestamps": "768[769 770 771]",
    "Peg": "211 835 836 837 838 840",
    "Discretion": "388 389 841 842 843 844 846",
    "PositionQty": "702![703 704 705 706 @NestedParties]",
    "PositionAmounts": "753![707! 708!]",
    "TradingSessions": "386[336 625]",
    "Text": "58 354 355",
    "Lines": "33![58! 354 355]",
    "PreAllocations": "78[79 661 736 467 @NestedParties 80]",
    "TradedLegs": """555[@InstrumentLeg 687 690 @LegStipulations 564 565 @NestedParties 654 566 587
        588 637]""",
    "ContAmts": "518[519 520 521]",
    "MiscFees": "136[137 138 139 891]",
    "MDEntry": """270 15 271 272 273 274 275 336 625 276 277 282 283 284 286 59 432 126 110 18 287
        37 299 288 289 346 290 546 811""",
}

MESSAGES = {
    "0": "112",
    "1": "112!",
    "2": "7! 16!",
    "3": "45! 371 372 373 @Text",
    "4": "123 36!",
    "5": "@Text",
    "A": "98! 108! 95 96 141 789 383 384[372 385] 464 553 554",
    "B": """42 61 148! 358 359 215[216 217] 146[@Instrument] @Legs @Underlyings @Lines 149 95
        96""",
    "C": """164! 94! 42 147! 356 357 215[216 217] 146[@Instrument] @Underlyings @Legs 37 11 @Lines
        95 96""",
    "D": """11! 526 583 @Parties 229 75 1 660 581 589 590 591 70 @PreAllocations 63 64 544 635 21
        18 110 111 100 @TradingSessions 81 @Instrument! @Financing @Underlyings 140 54! 114 60!
        @Stipulations 854 @OrderQtyData! 40! 423 44 99 @SpreadData @YieldData 15 376 377 23 117 59
        168 432 126 427 @CommissionData 528 529 582 121 120 775 @Text 193 192 640 77 203 210 @Peg
        @Discretion 847 848 849 480 481 513 494""",
    "8": """37! 198 526 527 11 41 583 693 790 584 911 912 @Parties 229 382[375 337 437 438 655] 66
        548 551 549 17! 19 150! 39! 636 103 378 1 660 581 589 590 591 63 64 544 635 @Instrument!
        @Financing @Underlyings 54! @Stipulations 854 @OrderQtyData 40 423 44 99 @Peg @Discretion
        839 845 847 848 849 850 15 376 377 59 168 432 126 18 528 529 582 32 652 31 651 669 194 195
        30 336 625 943 29 151! 14! 6! 424 425 426 427 75 60 113 @CommissionData @SpreadData
        @YieldData 381 157 230 158 159 738 920 921 922 258 259 260 238 237 118 119 120 155 156 21
        110 111 77 210 775 @Text 193 192 641 442 480 481 513 494 483 515 484 485 638 639 851
        @ContAmts @TradedLegs 797 @MiscFees""",
    "9": """37! 198 526 11! 583 41! 39! 636 586 66 1 660 581 229 75 60 434! 102 @Text""",
    "F": """41! 37 11! 526 583 66 586 1 660 581 @Parties @Instrument! @Financing @Underlyings 54!
        60! @OrderQtyData! 376 @Text""",
    "G": """37 @Parties 229 75 41! 11! 526 583 66 586 1 660 581 589 590 591 70 @PreAllocations 63
        64 544 635 21 18 110 111 100 @TradingSessions @Instrument! @Financing @Underlyings 54! 60!
        854 @OrderQtyData! 40! 423 44 99 @SpreadData @YieldData @Peg @Discretion 847 848 849 376
        377 15 59 168 432 126 427 @CommissionData 528 529 582 121 120 775 @Text 193 192 640 77 203
        210 114 480 481 513 494""",
    "H": "37 11! 526 583 @Parties 790 1 660 @Instrument! @Financing @Underlyings 54!",
    "q": """11! 526 530! 336 625 @Instrument @UnderlyingInstrument 54 60! @Text""",
    "r": """11 526 37! 198 530! 531! 532 533 534[41 535 536] 336 625 @Instrument
        @UnderlyingInstrument 54 60 @Text""",
    "V": """262! 263! 264! 265 266 286 546 547 267![269!] 146![@Instrument! @Underlyings @Legs]
        @TradingSessions 815 812""",
    "W": """262 @Instrument! @Underlyings @Legs 291 292 451 268![269! @MDEntry @Text] 813 814""",
    "X": """262 268![279! 285 269 278 280 @Instrument @Underlyings @Legs 291 292 @MDEntry 451
        @Text] 813 814""",
    "Y": "262! 281 816[817] @Text",
    "c": """320! 321! @Instrument @InstrumentExtension @Underlyings 15 @Text 336 625 @Legs 827
        263""",
    "d": """320! 322! 323! @Instrument @InstrumentExtension @Underlyings 15 336 625 @Text @Legs 827
        561 562""",
    "x": """320! 559! @Instrument @InstrumentExtension @Financing @Underlyings @Legs 15 @Text 336
        625 263""",
    "y": """320! 322! 560! 393 893 146[@Instrument @InstrumentExtension @Financing @Underlyings 15
        @Stipulations 555[@InstrumentLeg 690 587 @LegStipulations @LegBenchmark] @SpreadData
        @YieldData 561 562 336 625 827 @Text]""",
    "j": "45 372! 379 380! @Text",
    "AD": """568! 569! 263 571 818 17 150 37 11 573 828 829 830 855 820 880 @Parties @Instrument
        @InstrumentExtension @Financing @Underlyings @Legs 580[75 60] 715 336 625 943 54 442 578
        579 725 726 @Text""",
    "AE": """571! 487 856 568 828 829 855 830 150 748 912 325 263 572 881 818 820 880 17 39 527 378
        570! 423 @Instrument! @Financing @OrderQtyData 854 @YieldData @Underlyings 822 823 32! 31!
        669 194 195 30 75! 715 6 @SpreadData 819 @PositionAmounts 442 824 @TradedLegs 60!
        @TrdRegTimestamps 63 64 573 574 552![54! 37! 198 11 526 66 @Parties 1 660 581 81 575
        576[577] 635 578 579 821 15 376 377 528 529 582 40 18 483 336 625 943 @CommissionData 381
        157 230 158 159 738 920 921 922 238 237 118 119 120 155 156 77 @Text 752 @ContAmts
        @Stipulations @MiscFees 825 826 591 70 78[79 661 736 467 @NestedParties2 80]] 797 852
        853""",
    "AF": "584! 585! @Parties 1 660 336 625 @Instrument @UnderlyingInstrument 54",
    "AN": """710! 724! 573 263 @Parties! 1! 660 581! @Instrument 15 @Legs @Underlyings 715! 716 717
        @TradingSessions 60! 725 726 @Text""",
    "AO": """721! 710 727 325 728! 729! @Parties! 1! 660 581! @Instrument 15 @Legs @Underlyings 725
        726 @Text""",
    "AP": """721! 710 724 263 727 325 728! 715! 716 717 @Parties! 1! 660 581! @Instrument 15 730!
        731! 734! @Legs 711[@UnderlyingInstrument 732! 733!] @PositionQty! @PositionAmounts! 506
        743 @Text""",
    "BE": "923! 924! 553! 554 925 95 96",
    "BF": "923! 553! 926 927",
}
"""Message type → body."""
