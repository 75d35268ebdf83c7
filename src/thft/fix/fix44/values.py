"""The values that FIX 4.4 allows for its enumerated fields; read by `thft.fix.dictionary`.

Fields whose list is open by agreement (party sub-id types, strategies, yields …) are not here.
"""

_SIDES = """1=Buy 2=Sell 3=BuyMinus 4=SellPlus 5=SellShort 6=SellShortExempt 7=Undisclosed 8=Cross
    9=CrossShort A=CrossShortExempt B=AsDefined C=Opposite D=Subscribe E=Redeem F=Lend G=Borrow"""
_PARTY_ID_SOURCES = """B=BIC C=GenerallyAccepted D=Proprietary E=CountryCode F=SettlementLocation
    G=MIC H=CSDParticipant I=ISITC 1=KoreanInvestor 2=TaiwaneseQualifiedInvestor
    3=TaiwaneseTradingAccount 4=MalaysianCentralDepository 5=ChineseInvestor 6=UKInsuranceNumber
    7=USSocialSecurity 8=USEmployer 9=AustralianBusiness A=AustralianTaxFile"""
_PARTY_ROLES = """1=ExecutingFirm 2=BrokerOfCredit 3=ClientID 4=ClearingFirm 5=InvestorID
    6=IntroducingFirm 7=EnteringFirm 8=LocateLendingFirm 9=FundManagerClientID
    10=SettlementLocation 11=OrderOriginationTrader 12=ExecutingTrader 13=OrderOriginationFirm
    14=GiveupClearingFirm 15=CorrespondentClearingFirm 16=ExecutingSystem 17=ContraFirm
    18=ContraClearingFirm 19=SponsoringFirm 20=UnderlyingContraFirm 21=ClearingOrganization
    22=Exchange 24=CustomerAccount 25=CorrespondentClearingOrganization 26=CorrespondentBroker
    27=BuyerSeller 28=Custodian 29=Intermediary 30=Agent 31=SubCustodian 32=Beneficiary
    33=InterestedParty 34=RegulatoryBody 35=LiquidityProvider 36=EnteringTrader 37=ContraTrader
    38=PositionAccount"""
_PRICE_TYPES = """1=Percentage 2=PerUnit 3=FixedAmount 4=Discount 5=Premium 6=Spread 7=TEDPrice
    8=TEDYield 9=Yield 10=FixedCabinetTradePrice 11=VariableCabinetTradePrice"""
_SETTL_TYPES = """0=Regular 1=Cash 2=NextDay 3=T+2 4=T+3 5=T+4 6=Future 7=WhenIssued
    8=SellersOption 9=T+5"""
_SECURITY_ID_SOURCES = """1=CUSIP 2=SEDOL 3=QUIK 4=ISIN 5=RIC 6=ISOCurrency 7=ISOCountry
    8=ExchangeSymbol 9=CTA A=Bloomberg B=Wertpapier C=Dutch D=Valoren E=Sicovam F=Belgian
    G=Common H=ClearingHouse I=FpML J=OptionPriceReporting"""
_PRODUCTS = """1=Agency 2=Commodity 3=Corporate 4=Currency 5=Equity 6=Government 7=Index 8=Loan
    9=MoneyMarket 10=Mortgage 11=Municipal 12=Other 13=Financing"""
_SECURITY_TYPES = """EUSUPRA=EuroSupranational FAC=FederalAgencyCoupon FADN=FederalAgencyDiscount
    PEF=PrivateExport SUPRA=USDSupranational CORP=CorporateBond CPP=CorporatePrivatePlacement
    CB=ConvertibleBond DUAL=DualCurrency EUCORP=EuroCorporateBond XLINKD=IndexedLinked
    STRUCT=StructuredNotes YANK=YankeeCorporateBond FOR=ForeignExchange CS=CommonStock
    PS=PreferredStock BRADY=BradyBond EUSOV=EuroSovereigns TBOND=TreasuryBond TINT=InterestStrip
    TIPS=TreasuryInflationProtected TCAL=CallablePrincipalStrip TPRN=PrincipalStrip
    UST=TreasuryNoteOld USTB=TreasuryBillOld TNOTE=TreasuryNote TBILL=TreasuryBill
    REPO=Repurchase FORWARD=Forward BUYSELL=BuySellback SECLOAN=SecuritiesLoan
    SECPLEDGE=SecuritiesPledge TERM=TermLoan RVLV=RevolverLoan RVLVTRM=RevolverTermLoan
    BRIDGE=BridgeLoan LOFC=LetterOfCredit SWING=SwingLine DINP=DebtorInPossession
    DEFLTED=Defaulted WITHDRN=Withdrawn REPLACD=Replaced MATURED=Matured AMENDED=Amended
    RETIRED=Retired BA=BankersAcceptance BN=BankNotes BOX=BillOfExchanges
    CD=CertificateOfDeposit CL=CallLoans CP=CommercialPaper DN=DepositNotes
    EUCD=EuroCertificateOfDeposit EUCP=EuroCommercialPaper LQN=LiquidityNote MTN=MediumTermNotes
    ONITE=Overnight PN=PromissoryNote PZFJ=PlazosFijos STN=ShortTermLoanNote TD=TimeDeposit
    XCN=ExtendedCommNote YCD=YankeeCertificateOfDeposit ABS=AssetBacked
    CMBS=CommercialMortgageBacked CMO=CollateralizedMortgage IET=IOETTEMortgage
    MBS=MortgageBacked MIO=MortgageInterestOnly MPO=MortgagePrincipalOnly
    MPP=MortgagePrivatePlacement MPT=MiscellaneousPassThrough PFAND=Pfandbriefe TBA=ToBeAnnounced
    AN=OtherAnticipationNotes COFO=CertificateOfObligation COFP=CertificateOfParticipation
    GO=GeneralObligation MT=MandatoryTender RAN=RevenueAnticipation REV=RevenueBonds
    SPCLA=SpecialAssessment SPCLO=SpecialObligation SPCLT=SpecialTax TAN=TaxAnticipation
    TAXA=TaxAllocation TECP=TaxExemptCommercialPaper TRAN=TaxRevenueAnticipation VRDN=VariableRate
    WAR=Warrant MF=MutualFund MLEG=MultilegInstrument NONE=NoSecurityType FUT=Future OPT=Option
    ?=Wildcard"""

VALUES = {
    13: """1=PerUnit 2=Percent 3=Absolute 4=PercentWaivedCashDiscount 5=PercentWaivedEnhancedUnits
        6=PointsPerBond""",
    18: """1=NotHeld 2=Work 3=GoAlong 4=OverTheDay 5=Held 6=ParticipateDontInitiate 7=StrictScale
        8=TryToScale 9=StayOnBidSide 0=StayOnOfferSide A=NoCross B=OKToCross C=CallFirst
        D=PercentOfVolume E=DoNotIncrease F=DoNotReduce G=AllOrNone H=ReinstateOnSystemFailure
        I=InstitutionsOnly J=ReinstateOnTradingHalt K=CancelOnTradingHalt L=LastPeg M=MidPricePeg
        N=NonNegotiable O=OpeningPeg P=MarketPeg Q=CancelOnSystemFailure R=PrimaryPeg S=Suspend
        U=CustomerDisplayInstruction V=Netting W=PegToVWAP X=TradeAlong Y=TryToStop
        Z=CancelIfNotBest a=TrailingStopPeg b=StrictLimit c=IgnorePriceValidityChecks
        d=PegToLimitPrice e=WorkToTargetStrategy""",
    21: "1=Automated 2=AutomatedInterventionOK 3=Manual",
    22: _SECURITY_ID_SOURCES,
    29: "1=Agent 2=CrossAsAgent 3=CrossAsPrincipal 4=Principal",
    39: """0=New 1=PartiallyFilled 2=Filled 3=DoneForDay 4=Canceled 5=Replaced 6=PendingCancel
        7=Stopped 8=Rejected 9=Suspended A=PendingNew B=Calculated C=Expired D=AcceptedForBidding
        E=PendingReplace""",
    40: """1=Market 2=Limit 3=Stop 4=StopLimit 5=MarketOnClose 6=WithOrWithout 7=LimitOrBetter
        8=LimitWithOrWithout 9=OnBasis A=OnClose B=LimitOnClose C=ForexMarket D=PreviouslyQuoted
        E=PreviouslyIndicated F=ForexLimit G=ForexSwap H=ForexPreviouslyQuoted I=Funari
        J=MarketIfTouched K=MarketWithLeftoverAsLimit L=PreviousFundValuationPoint
        M=NextFundValuationPoint P=Pegged""",
    54: _SIDES,
    59: """0=Day 1=GoodTillCancel 2=AtTheOpening 3=ImmediateOrCancel 4=FillOrKill
        5=GoodTillCrossing 6=GoodTillDate 7=AtTheClose""",
    61: "0=Normal 1=Flash 2=Background",
    63: _SETTL_TYPES,
    77: "O=Open C=Close R=Rolled F=FIFO",
    81: """0=Regular 1=SoftDollar 2=StepIn 3=StepOut 4=SoftDollarStepIn 5=SoftDollarStepOut
        6=PlanSponsor""",
    94: "0=New 1=Reply 2=AdminReply",
    98: "0=None 1=PKCS 2=DES 3=PKCSDES 4=PGPDES 5=PGPDESMD5 6=PEMDESMD5",
    102: """0=TooLateToCancel 1=UnknownOrder 2=BrokerOption 3=AlreadyPending
        4=UnableToProcessMassCancel 5=OrigOrdModTimeMismatch 6=DuplicateClOrdID 99=Other""",
    103: """0=BrokerOption 1=UnknownSymbol 2=ExchangeClosed 3=OrderExceedsLimit 4=TooLateToEnter
        5=UnknownOrder 6=DuplicateOrder 7=DuplicateOfVerbal 8=StaleOrder 9=TradeAlongRequired
        10=InvalidInvestorID 11=UnsupportedOrderCharacteristic 12=SurveillanceOption
        13=IncorrectQuantity 14=IncorrectAllocatedQuantity 15=UnknownAccount 99=Other""",
    139: """1=Regulatory 2=Tax 3=LocalCommission 4=ExchangeFees 5=Stamp 6=Levy 7=Other 8=Markup
        9=ConsumptionTax 10=PerTransaction 11=Conversion 12=Agent""",
    150: """0=New 3=DoneForDay 4=Canceled 5=Replaced 6=PendingCancel 7=Stopped 8=Rejected
        9=Suspended A=PendingNew B=Calculated C=Expired D=Restated E=PendingReplace F=Trade
        G=TradeCorrect H=TradeCancel I=OrderStatus""",
    156: "M=Multiply D=Divide",
    167: _SECURITY_TYPES,
    201: "0=Put 1=Call",
    203: "0=Covered 1=Uncovered",
    216: "1=TargetFirm 2=TargetList 3=BlockFirm 4=BlockList",
    263: "0=Snapshot 1=SnapshotAndUpdates 2=Unsubscribe",
    265: "0=FullRefresh 1=IncrementalRefresh",
    269: """0=Bid 1=Offer 2=Trade 3=IndexValue 4=OpeningPrice 5=ClosingPrice 6=SettlementPrice
        7=SessionHigh 8=SessionLow 9=SessionVWAP A=Imbalance B=TradeVolume C=OpenInterest""",
    274: "0=PlusTick 1=ZeroPlusTick 2=MinusTick 3=ZeroMinusTick",
    276: """A=Open B=Closed C=ExchangeBest D=ConsolidatedBest E=Locked F=Crossed G=Depth
        H=FastTrading I=NonFirm""",
    277: """A=Cash B=AveragePrice C=CashTrade D=NextDay E=Opening F=IntradayTradeDetail G=Rule127
        H=Rule155 I=SoldLast J=NextDayTrade K=Opened L=Seller M=Sold N=StoppedStock
        P=ImbalanceMoreBuyers Q=ImbalanceMoreSellers R=OpeningPrice""",
    279: "0=New 1=Change 2=Delete",
    281: """0=UnknownSymbol 1=DuplicateMDReqID 2=InsufficientBandwidth 3=InsufficientPermissions
        4=UnsupportedSubscriptionRequestType 5=UnsupportedMarketDepth 6=UnsupportedMDUpdateType
        7=UnsupportedAggregatedBook 8=UnsupportedMDEntryType 9=UnsupportedTradingSessionID
        A=UnsupportedScope B=UnsupportedOpenCloseSettlFlag C=UnsupportedMDImplicitDelete""",
    285: "0=Cancelation 1=Error",
    286: """0=DailyOpen 1=SessionOpen 2=DeliverySettlement 3=ExpectedEntry 4=PreviousBusinessDay
        5=TheoreticalPrice""",
    291: "1=Bankrupt 2=PendingDelisting",
    292: "A=ExDividend B=ExDistribution C=ExRights D=New E=ExInterest",
    305: _SECURITY_ID_SOURCES,
    310: _SECURITY_TYPES,
    315: "0=Put 1=Call",
    321: "0=IdentityAndSpecifications 1=IdentityForSpecifications 2=ListTypes 3=ListSecurities",
    323: """1=AcceptAsIs 2=AcceptWithRevisions 3=ListOfTypes 4=ListOfSecurities 5=Reject
        6=CannotMatch""",
    347: "ISO-2022-JP=JIS EUC-JP=EUC SHIFT_JIS=SJIS UTF-8=Unicode",
    373: """0=InvalidTagNumber 1=RequiredTagMissing 2=TagNotDefinedForType 3=UndefinedTag
        4=TagWithoutValue 5=ValueIncorrect 6=IncorrectDataFormat 7=DecryptionProblem
        8=SignatureProblem 9=CompIDProblem 10=SendingTimeAccuracy 11=InvalidMsgType
        12=XMLValidation 13=TagAppearsMoreThanOnce 14=TagOutOfOrder 15=GroupFieldsOutOfOrder
        16=IncorrectNumInGroup 17=DelimiterInValue 99=Other""",
    378: """0=GTCorporateAction 1=GTRenewal 2=VerbalChange 3=Repricing 4=BrokerOption
        5=PartialDecline 6=CancelOnTradingHalt 7=CancelOnSystemFailure 8=MarketOption
        9=CanceledNotBest 10=WarehouseRecap 99=Other""",
    380: """0=Other 1=UnknownID 2=UnknownSecurity 3=UnsupportedMessageType
        4=ApplicationNotAvailable 5=ConditionallyRequiredFieldMissing 6=NotAuthorized
        7=DeliverToFirmNotAvailable""",
    385: "S=Send R=Receive",
    388: """0=RelatedToDisplayedPrice 1=RelatedToMarketPrice 2=RelatedToPrimaryPrice
        3=RelatedToLocalPrimaryPrice 4=RelatedToMidpoint 5=RelatedToLastTrade 6=RelatedToVWAP""",
    423: _PRICE_TYPES,
    427: "0=BookOnDay 1=AccumulateUntilDone 2=AccumulateUntilNotified",
    434: "1=CancelRequest 2=ReplaceRequest",
    442: "1=SingleSecurity 2=LegOfMultileg 3=Multileg",
    447: _PARTY_ID_SOURCES,
    452: _PARTY_ROLES,
    456: _SECURITY_ID_SOURCES,
    460: _PRODUCTS,
    462: _PRODUCTS,
    468: "0=Nearest 1=Down 2=Up",
    480: "Y=Yes N=ExecutionOnly M=Waiver O=Institutional",
    481: "Y=Passed N=NotChecked 1=ExemptBelowLimit 2=ExemptClientMoney 3=ExemptAuthorised",
    484: """B=BidPrice C=CreationPrice D=CreationPlusAdjustmentPercent
        E=CreationPlusAdjustmentAmount O=OfferPrice P=OfferMinusAdjustmentPercent
        Q=OfferMinusAdjustmentAmount S=SinglePrice""",
    487: "0=New 1=Cancel 2=Replace 3=Release 4=Reverse",
    497: "Y=Yes N=No",
    506: "A=Accepted R=Rejected H=Held N=Reminder",
    519: """1=CommissionAmount 2=CommissionPercent 3=InitialChargeAmount 4=InitialChargePercent
        5=DiscountAmount 6=DiscountPercent 7=DilutionLevyAmount 8=DilutionLevyPercent
        9=ExitChargeAmount 10=ExitChargePercent 11=FundRenewalPercent 12=ProjectedFundValue
        13=FundRenewalOnOrder 14=FundRenewalOnProjected 15=NetSettlementAmount""",
    525: _PARTY_ID_SOURCES,
    528: """A=Agency G=Proprietary I=Individual P=Principal R=RisklessPrincipal
        W=AgentForOtherMember""",
    529: """1=ProgramTrade 2=IndexArbitrage 3=NonIndexArbitrage 4=CompetingMarketMaker
        5=ActingAsMarketMaker 6=ActingAsMarketMakerInUnderlying 7=ForeignEntity
        8=ExternalParticipant 9=ExternalInterconnected A=RisklessArbitrage""",
    530: """1=Security 2=UnderlyingSecurity 3=Product 4=CFICode 5=SecurityType 6=TradingSession
        7=AllOrders""",
    531: """0=Rejected 1=Security 2=UnderlyingSecurity 3=Product 4=CFICode 5=SecurityType
        6=TradingSession 7=AllOrders""",
    532: """0=NotSupported 1=UnknownSecurity 2=UnknownUnderlying 3=UnknownProduct 4=UnknownCFICode
        5=UnknownSecurityType 6=UnknownTradingSession 99=Other""",
    538: _PARTY_ROLES,
    544: "1=Cash 2=MarginOpen 3=MarginClose",
    546: "1=Local 2=National 3=Global",
    559: "0=Symbol 1=SecurityTypeOrCFICode 2=Product 3=TradingSessionID 4=AllSecurities",
    560: """0=Valid 1=Invalid 2=NoneFound 3=NotAuthorized 4=TemporarilyUnavailable
        5=NotSupported""",
    564: "O=Open C=Close R=Rolled F=FIFO",
    569: """0=AllTrades 1=MatchedTrades 2=UnmatchedTrades 3=UnreportedTrades
        4=AdvisoriesRequiringMatch""",
    573: "0=Matched 1=Unmatched 2=Advisory",
    577: """0=ProcessNormally 1=ExcludeFromNetting 2=BilateralNettingOnly 3=ExClearing
        4=SpecialTrade 5=MultilateralNetting 6=ClearAgainstCentral 7=ExcludeFromCentral
        8=ManualMode 9=AutomaticPosting 10=AutomaticGiveUp 11=QualifiedServiceRep
        12=CustomerTrade 13=SelfClearing""",
    581: """1=CustomerSide 2=NonCustomerSide 3=HouseTrader 4=FloorTrader 6=NonCustomerCrossMargined
        7=HouseCrossMargined 8=JointBackOffice""",
    582: "1=OwnAccount 2=ProprietaryAccount 3=OtherMember 4=AllOther",
    585: """1=Security 2=UnderlyingSecurity 3=Product 4=CFICode 5=SecurityType 6=TradingSession
        7=AllOrders 8=PartyID""",
    587: _SETTL_TYPES,
    589: "0=AutoAllowed 1=SpeakFirst 2=Accumulate",
    590: "0=EachPartialExecution 1=AggregateByAccount 2=AggregateBySymbolAndSide",
    591: "0=ProRata 1=DoNotProRata",
    603: _SECURITY_ID_SOURCES,
    607: _PRODUCTS,
    609: _SECURITY_TYPES,
    624: _SIDES,
    635: """B=CBOEMember C=NonMember E=EquityMember F=FullMember H=Firm106 I=GIM L=Lessee
        M=AllOther 1=FirstYearDelegate 2=SecondYearDelegate 3=ThirdYearDelegate
        4=FourthYearDelegate 5=FifthYearDelegate 9=SixthYearDelegate""",
    638: "0=Unchanged 1=LostPriority",
    660: "1=BIC 2=SID 3=TFM 4=OMGEO 5=DTCC 99=Other",
    668: "1=BookEntry 2=Bearer",
    690: "1=ParForPar 2=ModifiedDuration 4=Risk 5=Proceeds",
    703: """TQ=TransactionQuantity IAS=IntraSpread IES=InterSpread FIN=EndOfDay SOD=StartOfDay
        EX=Exercise AS=Assignment TX=FromExercise TA=FromAssignment PIT=PitTrade TRF=Transfer
        ETR=ElectronicTrade ALC=Allocation PA=Adjustment ASF=AsOf DLV=Delivery TOT=Total
        XM=CrossMargin SPL=IntegralSplit""",
    706: "0=Submitted 1=Accepted 2=Rejected",
    707: """FMTM=FinalMarkToMarket IMTM=IncrementalMarkToMarket TVAR=TradeVariation
        SMTM=StartOfDayMarkToMarket PREM=Premium CRES=CashResidual CASH=Cash VADJ=ValueAdjusted""",
    716: "ITD=Intraday RTH=RegularHours ETH=ElectronicHours EOD=EndOfDay",
    724: "0=Positions 1=Trades 2=Exercises 3=Assignments",
    725: "0=Inband 1=OutOfBand",
    728: "0=Valid 1=Invalid 2=NoneFound 3=NotAuthorized 4=NotSupported 99=Other",
    729: "0=Completed 1=CompletedWithWarnings 2=Rejected",
    731: "1=Final 2=Theoretical",
    733: "1=Final 2=Theoretical",
    744: "R=Random P=ProRata",
    747: "A=Automatic M=Manual",
    749: """0=Successful 1=UnknownInstrument 2=UnknownTradeType 3=UnknownParties
        4=UnknownTransport 5=UnknownDestination 8=RequestTypeNotSupported 9=NotAuthorized
        99=Other""",
    750: "0=Accepted 1=Completed 2=Rejected",
    752: "1=SingleSecurity 2=LegOfMultileg 3=Multileg",
    758: _PARTY_ID_SOURCES,
    759: _PARTY_ROLES,
    770: "1=Execution 2=TimeIn 3=TimeOut 4=BrokerReceipt 5=BrokerExecution",
    775: "0=Regular 1=CFD 2=TotalReturnSwap",
    788: "1=Overnight 2=Term 3=Flexible 4=Open",
    814: "0=NoAction 1=QueueFlushed 2=OverlayLast 3=EndSession",
    815: "0=NoAction 1=QueueFlushed 2=OverlayLast 3=EndSession",
    819: "0=None 1=AllocationGroup 2=AverageGroup",
    826: "0=NotRequired 1=Required 2=UseProvided",
    827: "0=OnTradingSessionClose 1=OnTradingSessionOpen",
    828: """0=Regular 1=Block 2=EFP 3=Transfer 4=LateTrade 5=TTrade 6=WeightedAverage
        7=BunchedTrade 8=LateBunchedTrade 9=PriorReferencePrice 10=AfterHours""",
    835: "0=Floating 1=Fixed",
    836: "0=Price 1=BasisPoints 2=Ticks 3=PriceTier",
    837: "0=OrBetter 1=Strict 2=OrWorse",
    838: "1=MoreAggressive 2=MorePassive",
    840: "1=Local 2=National 3=Global 4=NationalExcludingLocal",
    841: "0=Floating 1=Fixed",
    842: "0=Price 1=BasisPoints 2=Ticks 3=PriceTier",
    843: "0=OrBetter 1=Strict 2=OrWorse",
    844: "1=MoreAggressive 2=MorePassive",
    846: "1=Local 2=National 3=Global 4=NationalExcludingLocal",
    851: "1=AddedLiquidity 2=RemovedLiquidity 3=RoutedOut",
    853: """0=DealerSoldShort 1=DealerSoldShortExempt 2=CustomerSoldShort
        3=CustomerSoldShortExempt 4=QSRSoldShort 5=QSRSoldShortExempt""",
    854: "0=Units 1=Contracts",
    855: """0=Regular 1=Block 2=EFP 3=Transfer 4=LateTrade 5=TTrade 6=WeightedAverage
        7=BunchedTrade 8=LateBunchedTrade 9=PriorReferencePrice 10=AfterHours""",
    856: """0=Submit 1=Alleged 2=Accept 3=Decline 4=Addendum 5=NoWas 6=Cancel
        7=LockedInBreak""",
    865: "1=Put 2=Call 3=Tender 4=SinkingFundCall 99=Other",
    875: "1=Program3a3 2=Program42 99=Other",
    891: "0=Absolute 1=PerUnit 2=Percentage",
    919: "0=VersusPayment 1=Free 2=TriParty 3=HoldInCustody",
    924: "1=LogOn 2=LogOff 3=ChangePassword 4=RequestStatus",
    926: """1=LoggedIn 2=NotLoggedIn 3=UserNotRecognised 4=PasswordIncorrect 5=PasswordChanged
        6=Other""",
    939: "0=Accepted 1=Rejected",
}
"""Tag → `value=Name` pairs."""
