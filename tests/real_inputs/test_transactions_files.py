"""Real exports and statements: what each gives by kind, closing units and refusals, and two ways to a sum."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from folio.books.importers import registry
from folio.books.importers.cells import number
from folio.books.importers.events import Imported
from folio.books.known import Known
from folio.books.reading import read
from tests.real_inputs.expectations import Expectation, body_of, refused

pytestmark = pytest.mark.shared_data


def imported(path: Path) -> Imported:
    """The file read by the one format that it is of."""
    body = body_of(path)
    found = registry.recognise(body)
    assert found is not None, registry.nearest(body)
    return found.read(body)


def read_book(path: Path) -> object:
    """The file as it would be taken in: refused as a whole where nothing reads it."""
    return read(body_of(path), Known(accounts={"A1": "EUR"}), account="A1")


def imports(
    format_name: str,
    kinds: str,
    *,
    units: Mapping[str, str] | None = None,
    passed: int = 0,
    rejected: Mapping[int, str] | None = None,
) -> Expectation:
    """Expect the format, how many events of each kind there are, closing units, and each refusal's reason."""

    def check(path: Path) -> None:
        made = imported(path)
        assert made.format == format_name
        assert made.kinds() == Counter({k: int(n) for k, n in (one.split("=") for one in kinds.split())})
        assert made.closing_units() == {name: Decimal(size) for name, size in (units or {}).items()}
        assert len(made.passed) == passed
        reasons = {one.line: one.reason for one in made.refused}
        assert reasons.keys() == (rejected or {}).keys()
        for line, reason in (rejected or {}).items():
            assert reason in reasons[line]

    return check


# fmt: off
EXPECTED: dict[str, Expectation] = {
    "transactions/broker_exports/avanza-export.csv": imports(
        "avanza",
        "buy=3 deposit=3 dividend=1 interest=2 merger_in=1 merger_out=1 reversal=2 sell=1 tax=3 "
        "withdrawal=3",
        units={
            "isin:LU0302296149": "-3.6545", "isin:LU2553958823": "3.6545",
            "isin:NO0010827280": "-352.033838", "isin:SE0004841500": "6.3572", "isin:SE0007126000": "2",
            "isin:US78409V1044": "2",
        },
    ),
    "transactions/broker_exports/bitvavo-export.csv": imports(
        "bitvavo",
        "buy=10 deposit=6 network_fee=4 sell=2 staking_reward=9 transfer_in=1 transfer_out=4 withdrawal=1",
        units={
            "coin:ADA": "0.361357", "coin:BTC": "0.00072401", "coin:ETH": "0.0107676",
            "coin:USDT": "-0.000000000000003",
        },
        rejected={
            2: "column Fee amount: 1 ETH of 0.010713949999999999 ETH withdrawn",
        },
    ),
    "transactions/broker_exports/bux-export.csv": imports(
        "bux",
        "buy=4 deposit=1 dividend=2 fee=7 interest=5 sell=1 split=1 withdrawal=1",
        units={
            "isin:IE00B1TXK627": "0.313873", "isin:NL0011821202": "49", "isin:US3755581036": "0.104172",
        },
        rejected={
            2: "column currency: '500' is not a currency that Folio knows",
            3: "column currency: '100' is not a currency that Folio knows",
        },
    ),
    "transactions/broker_exports/coinbase-export.csv": imports(
        "coinbase",
        "buy=2 staking_reward=2 swap_in=2 swap_out=2 transfer_in=1 transfer_out=1",
        units={
            "coin:BTC": "-0.00029567", "coin:ETH": "0.007923387238", "coin:ETH2": "-0.007862899326",
            "coin:XRP": "156.145683",
        },
    ),
    "transactions/broker_exports/cryptocom-export.csv": imports(
        "crypto_com",
        "airdrop=3 sell=1 staking_reward=46 swap_in=6 swap_out=6 transfer_in=4 transfer_out=1 "
        "withdrawal=1",
        units={
            "coin:AVAX": "5", "coin:BTC": "0.01152324", "coin:CRO": "-11791.0203683", "coin:EGLD": "-4.15",
            "coin:ETHW": "-0.67", "coin:SOL": "3.3", "coin:USDC": "234.306749", "coin:USDT": "-795.068191",
            "coin:XRP": "3059.220008",
        },
        passed=3,
    ),
    "transactions/broker_exports/degiro-export.csv": imports(
        "degiro",
        "bonus=1 buy=10 deposit=8 dividend=9 fee=8 interest=2 merger_in=1 merger_out=1 sell=3 tax=6 "
        "withdrawal=7",
        units={
            "isin:AU000000FBR4": "500", "isin:CA0641491075": "-1", "isin:FI4000198031": "6",
            "isin:GB00BPQY8M80": "-4", "isin:IE00B0M63391": "1", "isin:IE00B3RBWM25": "2",
            "isin:IE00B4L5Y983": "7", "isin:IE00BYXG2H39": "-1", "isin:JP3633400001": "30",
            "isin:NL0013654783": "999", "isin:US00165C1045": "1", "isin:US9256521090": "1",
        },
        passed=12,
    ),
    "transactions/broker_exports/delta-export.csv": imports(
        "delta",
        "buy=1 deposit=1 dividend=1 network_fee=2 staking_reward=1 swap_in=2 swap_out=2 transfer_out=1",
        units={
            "coin:BNB": "-0.1", "coin:BTC": "-0.599", "coin:DOT": "-0.101", "coin:ETH": "10.88",
            "coin:SOL": "-100", "ticker:AAPL": "5",
        },
    ),
    "transactions/broker_exports/directa-export.csv": imports(
        "directa",
        "buy=10 deposit=2 dividend=5 sell=1 tax=5",
        units={
            "isin:IE00B1FZS350": "6", "isin:IE00B2NPKV68": "2", "isin:IE00B3B8Q275": "3",
            "isin:IE00B4K48X80": "2", "isin:IE00B4L5Y983": "1", "isin:IE00BJK55C48": "36",
            "isin:IE00BKM4GZ66": "4", "isin:IE00BP3QZB59": "3", "isin:IE00BQN1K901": "22",
            "isin:IE00BYPC1H27": "39", "isin:IT0005366601": "-200",
        },
        rejected={
            34: "column data valuta: '33-09-2024' is not a day of the form DD-MM-YYYY",
            35: "column tipo operazione: empty",
        },
    ),
    "transactions/broker_exports/finpension-bvg-export.csv": imports(
        "finpension",
        "buy=2 deposit=1 dividend=2 fee=4 interest=2",
        units={
            "isin:CH0429081620": "0.157",
        },
    ),
    "transactions/broker_exports/freetrade-export.csv": imports(
        "freetrade",
        "buy=4 deposit=1 dividend=4 interest=2 withdrawal=1",
        units={
            "isin:GB00B11V7W98": "421", "isin:IE00B3RBWM25": "11", "isin:US67066G1040": "4.1056135",
        },
        passed=2,
    ),
    "transactions/broker_exports/ibkr-dividends-export.csv": imports(
        "interactive_brokers_flex_cash",
        "dividend=7 tax=4",
    ),
    "transactions/broker_exports/ibkr-trades-export.csv": imports(
        "interactive_brokers_flex_trades",
        "buy=8",
        units={
            "isin:CH0111762537": "7", "isin:US9220427424": "323",
        },
        rejected={
            10: "column ISIN: empty, and no symbol says which money was changed for which",
            11: "column ISIN: empty, and no symbol says which money was changed for which",
            12: "column ISIN: empty, and no symbol says which money was changed for which",
        },
    ),
    "transactions/broker_exports/investengine-export.csv": imports(
        "investengine",
        "buy=4 sell=1",
    ),
    "transactions/broker_exports/investimental-export.csv": imports(
        "investimental",
        "buy=10 sell=5",
        units={
            "source:bvb/ICBETNETF": "607", "source:bvb/R2704A": "300",
        },
        passed=2,
    ),
    "transactions/broker_exports/parqet-export.csv": imports(
        "parqet",
        "buy=18 dividend=7 reversal=1 sell=2",
        units={
            "isin:DE0008404005": "-6", "isin:IE00BM67HT60": "3.11257", "isin:IL0011582033": "-14",
            "isin:LU2089238203": "105.232424",
        },
    ),
    "transactions/broker_exports/rabobank-export.csv": imports(
        "rabobank",
        "buy=5 deposit=2 dividend=2 fee=1 interest=1 sell=1",
        units={
            "isin:NL0014065450": "1.3894", "isin:NL0014857104": "3.5404",
        },
    ),
    "transactions/broker_exports/relai-export.csv": imports(
        "relai",
        "buy=2 sell=1",
        units={
            "coin:BTC": "-0.02191828",
        },
    ),
    "transactions/broker_exports/revolut-crypto-export.csv": imports(
        "revolut_coins",
        "buy=6 sell=1 staking_reward=3 transfer_in=1 transfer_out=1",
        units={
            "coin:BTC": "0.00163011", "coin:ETH": "0.00442906",
        },
        passed=1,
    ),
    "transactions/broker_exports/revolut-invest-export.csv": imports(
        "revolut_shares",
        "bonus=1 buy=3 deposit=1 dividend=1 fee=1 sell=1 withdrawal=1",
        units={
            "ticker:MA": "-0.1998348", "ticker:MSFT": "0.76672417", "ticker:O": "1.63453043",
            "ticker:TSLA": "0.72649598",
        },
        passed=3,
    ),
    "transactions/broker_exports/traderepublic-export.csv": imports(
        "trade_republic_web",
        "buy=4 deposit=1 dividend=1 sell=2 withdrawal=1",
        units={
            "isin:LU1829221024": "0.2989", "isin:SI0031102120": "5", "isin:US88160R1014": "-0.2625",
        },
    ),
    "transactions/cas/cas_hdfc_sip_7txn.json": imports(
        "cas",
        "buy=7",
        units={
            "amfi:125745": "500",
        },
    ),
    "transactions/cas/cas_icici_5txn.json": imports(
        "cas",
        "buy=1 switch_in=1 switch_out=1",
        units={
            "amfi:120684": "141.075",
        },
        passed=2,
    ),
    "transactions/cas/casparser_CASData.schema.json": refused(
        read_book, "not the header of a book file"
    ),
    "transactions/cas/casparser_NSDLCASData.schema.json": refused(
        read_book, "not the header of a book file"
    ),
    "transactions/cas/casparser_description_types.json": refused(
        read_book, "not the header of a book file"
    ),
    "transactions/crypto_exports_rotki/binance_history.csv": imports(
        "binance",
        "airdrop=2 buy=5 deposit=2 network_fee=13 staking_reward=8 swap_in=17 swap_out=17 transfer_out=1",
        units={
            "coin:AXS": "1.19592356", "coin:BETH": "0.036004615", "coin:BNB": "0.490434482603200004",
            "coin:BTC": "0.05380570304439999", "coin:BUSD": "-120.39988238", "coin:DAR": "-336.384852945",
            "coin:ETH": "32.5017459600000001", "coin:HIGH": "2009.666322", "coin:IOTA": "1695.618",
            "coin:KNC": "-0.16", "coin:MATIC": "140.1195606", "coin:SOL": "-1.072200335",
            "coin:SUI": "0.0080696", "coin:USDC": "-2641", "coin:USDT": "3971.35958",
            "coin:ZRX": "-25596.06",
        },
        passed=15,
        rejected={
            5: "column utc_time: empty",
            6: "column coin: empty",
            42: "column Operation: unknown kind 'ABC'",
            71: "column Operation: a purchase with a card: what was paid for it is not in this",
            80: "column Account: futures are not held as units of an instrument",
            81: "column Account: futures are not held as units of an instrument",
            82: "column Account: futures are not held as units of an instrument",
            186: "several things given for others, money among them: how much for which is not",
        },
    ),
    "transactions/crypto_exports_rotki/bitstamp.csv": imports(
        "bitstamp",
        "fee=1 sell=1 transfer_in=1 withdrawal=1",
        units={
            "coin:ETH": "1",
        },
    ),
    "transactions/crypto_exports_rotki/bittrex_order_history.csv": imports(
        "bittrex",
        "network_fee=2 swap_in=2 swap_out=2",
        units={
            "coin:BTC": "-0.09513653", "coin:EDGELESS": "-857.78221905", "coin:SWT": "731.28354007",
        },
    ),
    "transactions/crypto_exports_rotki/blockpit_transactions.csv": imports(
        "blockpit",
        "buy=1 deposit=1 fee=1 interest=3 network_fee=6 reversal=1 sell=1 staking_reward=1 swap_in=1 "
        "swap_out=1 transfer_in=2 transfer_out=3 withdrawal=2",
        units={
            "coin:BNB": "0.00005305", "coin:MATIC": "83.168056651658776576", "coin:META": "-10",
            "coin:USDT": "-0.24209916",
        },
    ),
    "transactions/crypto_exports_rotki/coinbasepro.csv": imports(
        "coinbase_pro",
        "network_fee=5 swap_in=5 swap_out=5 transfer_in=4 transfer_out=2",
        units={
            "coin:BTC": "4.62208578", "coin:ETH": "18.5",
        },
    ),
    "transactions/crypto_exports_rotki/cryptocom_trades_list.csv": imports(
        "crypto_com",
        "airdrop=7 buy=5 deposit=2 sell=2 staking_reward=1 swap_in=5 swap_out=6 transfer_in=4 "
        "transfer_out=4 withdrawal=1",
        units={
            "coin:BTC": "0.003", "coin:CRO": "3398.150101671670431259", "coin:DAI": "-0.00050680380674961",
            "coin:DOGE": "-750", "coin:DOT": "-0.6295092", "coin:ETH": "9.16807429600007045",
            "coin:MCO": "-50", "coin:SOL": "10", "coin:UNI": "-1.3387887",
        },
        passed=14,
    ),
    "transactions/crypto_exports_rotki/kucoin_order_history.csv": imports(
        "kucoin",
        "network_fee=2 swap_in=2 swap_out=2",
        units={
            "coin:USDT": "-277.4046030754398952", "coin:XRP": "432.59183198", "coin:XTZ": "-36.4479",
        },
    ),
    "transactions/crypto_exports_rotki/nexo.csv": imports(
        "nexo",
        "airdrop=5 buy=2 deposit=1 interest=1 reversal=1 staking_reward=4 transfer_in=5 transfer_out=1 "
        "withdrawal=2",
        units={
            "coin:BTC": "0.01009881", "coin:ETH": "0.00178799", "coin:LUNA2": "2.73209017",
            "coin:MATIC": "3055", "coin:NEXO": "5.47250073", "coin:USDC": "1816.43029093",
        },
        passed=10,
        rejected={
            8: "column Type: Credit Card Status: a loan, and accounts hold no debts",
            10: "column Type: Liquidation: a loan, and accounts hold no debts",
            12: "column Type: Repayment: a loan, and accounts hold no debts",
            31: "column Type: Nexo Card Purchase: a loan, and accounts hold no debts",
            39: "column Type: Manual Repayment: a loan, and accounts hold no debts",
            40: "column Type: Manual Sell Order: a loan, and accounts hold no debts",
        },
    ),
    "transactions/crypto_exports_rotki/rotki_generic_events.csv": imports(
        "rotki_events",
        "airdrop=1 deposit=1 network_fee=1 staking_reward=1 transfer_out=3",
        units={
            "coin:BTC": "-0.091", "coin:ETH": "0.0513",
            "contract:ethereum:0x6B175474E89094C44Da98b954EedeAC495271d0F": "1000",
            "contract:ethereum:0xB8c77482e45F1F44dE1745F52C74426C631bDD52": "-1.01",
            "contract:ethereum:0xdAC17F958D2ee523a2206206994597C13D831ec7": "-100",
        },
        rejected={
            8: "column Type: unknown kind 'invalid'; known are deposit, withdrawal, staking,",
        },
    ),
    "transactions/crypto_exports_rotki/rotki_generic_trades.csv": imports(
        "rotki_trades",
        "fee=3 swap_in=5 swap_out=5",
        units={
            "coin:ADA": "-9153.28", "coin:BCH": "32.6888", "coin:BTC": "4.3241", "coin:ETH": "1",
            "coin:LTC": "-392.887", "contract:ethereum:0x1f9840a85d5aF5bf1D1762F925BDADdC4201F984": "-20",
            "contract:ethereum:0x6B175474E89094C44Da98b954EedeAC495271d0F": "880",
            "contract:ethereum:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48": "-1875.64",
        },
        rejected={
            7: "column Receive Amount: 0: one side of a trade without the other",
        },
    ),
    "transactions/ghostfolio_import/not-ok/invalid-currency.csv": imports(
        "ghostfolio_csv",
        "",
        rejected={
            2: "column currency: '<INVALID>' is not a currency that Folio knows",
        },
    ),
    "transactions/ghostfolio_import/not-ok/invalid-data-source.json": imports(
        "ghostfolio_json",
        "",
        rejected={
            7: "column dataSource: unknown source of prices '<invalid>'; known are",
        },
    ),
    "transactions/ghostfolio_import/not-ok/invalid-date-yy.csv": imports(
        "ghostfolio_csv",
        "",
        rejected={
            2: "column date: '16/09/21' is not a day of the form DD-MM-YYYY or DD/MM/YYYY or",
        },
    ),
    "transactions/ghostfolio_import/not-ok/invalid-date.json": imports(
        "ghostfolio_json",
        "",
        rejected={
            7: "column date: '<invalid>' is not a time of the form YYYY-MM-DDTHH:MM:SSZ",
        },
    ),
    "transactions/ghostfolio_import/not-ok/invalid-fee.csv": imports(
        "ghostfolio_csv",
        "",
        rejected={
            2: "column fee: '<invalid>' is not a number",
        },
    ),
    "transactions/ghostfolio_import/not-ok/invalid-platform.json": imports(
        "ghostfolio_json",
        "buy=1",
        units={
            "yahoo:MSFT": "5",
        },
    ),
    "transactions/ghostfolio_import/not-ok/invalid-symbol-btc-usd.csv": imports(
        "ghostfolio_csv",
        "",
        rejected={
            2: "column symbol: 'BTC-USD' is no symbol of YAHOO",
        },
    ),
    "transactions/ghostfolio_import/not-ok/invalid-symbol-with-manual-data-source.json": imports(
        "ghostfolio_json",
        "",
        rejected={
            7: "column symbol: 'Penthouse Apartment' is set by hand, and no assetProfiles",
        },
    ),
    "transactions/ghostfolio_import/not-ok/invalid-symbol.csv": imports(
        "ghostfolio_csv",
        "",
        rejected={
            2: "column symbol: '<invalid>' is no symbol of YAHOO",
        },
    ),
    "transactions/ghostfolio_import/not-ok/invalid-symbol.json": imports(
        "ghostfolio_json",
        "",
        rejected={
            7: "column symbol: '<invalid>' is no symbol of YAHOO",
        },
    ),
    "transactions/ghostfolio_import/not-ok/invalid-type.json": imports(
        "ghostfolio_json",
        "",
        rejected={
            7: "column type: unknown kind '<invalid>'; known are BUY, SELL, DIVIDEND,",
        },
    ),
    "transactions/ghostfolio_import/not-ok/unexpected-format.json": refused(
        read_book, "not the header of a book file"
    ),
    "transactions/ghostfolio_import/ok/500-activities.json": imports(
        "ghostfolio_json",
        "buy=500",
        units={
            "yahoo:AAPL": "422", "yahoo:AMZN": "433", "yahoo:GOOG": "364", "yahoo:META": "437",
            "yahoo:MSFT": "382", "yahoo:NFLX": "386", "yahoo:TSLA": "434",
        },
    ),
    "transactions/ghostfolio_import/ok/btceur.json": imports(
        "ghostfolio_json",
        "buy=1",
        units={
            "yahoo:BTC-USD": "1",
        },
    ),
    "transactions/ghostfolio_import/ok/btcusd-short.json": imports(
        "ghostfolio_json",
        "sell=2",
        units={
            "yahoo:BTC-USD": "-2",
        },
    ),
    "transactions/ghostfolio_import/ok/btcusd.csv": imports(
        "ghostfolio_csv",
        "buy=1",
        units={
            "yahoo:BTC-USD": "1",
        },
    ),
    "transactions/ghostfolio_import/ok/btcusd.json": imports(
        "ghostfolio_json",
        "buy=1",
        units={
            "yahoo:BTC-USD": "1",
        },
    ),
    "transactions/ghostfolio_import/ok/novn-buy-and-sell.json": imports(
        "ghostfolio_json",
        "buy=1 sell=1",
    ),
    "transactions/ghostfolio_import/ok/penthouse-apartment.csv": imports(
        "ghostfolio_csv",
        "buy=1",
        units={
            "source:ghostfolio/Penthouse Apartment": "1",
        },
    ),
    "transactions/ghostfolio_import/ok/penthouse-apartment.json": imports(
        "ghostfolio_json",
        "buy=1",
        units={
            "source:ghostfolio/7e91b7d4-1430-4212-8380-289a06c9bbc1": "1",
        },
    ),
    "transactions/ghostfolio_import/ok/sample.csv": imports(
        "ghostfolio_csv",
        "buy=2 dividend=1 fee=1",
        units={
            "source:ghostfolio/Penthouse Apartment": "1", "yahoo:MSFT": "5",
        },
        rejected={
            6: "column units: a buy of 0 units moves nothing",
        },
    ),
    "transactions/ghostfolio_import/ok/sample.json": imports(
        "ghostfolio_json",
        "buy=2 dividend=1 fee=1",
        units={
            "source:ghostfolio/7e91b7d4-1430-4212-8380-289a06c9bbc1": "1", "yahoo:MSFT": "5",
        },
        rejected={
            128: "column units: a buy of 0 units moves nothing",
        },
    ),
    "transactions/ghostfolio_import/ok/vti-buy-long-history.json": imports(
        "ghostfolio_json",
        "buy=3",
        units={
            "yahoo:VTI": "30",
        },
    ),
    "transactions/ghostfolio_import/ok/vti-buy-on-ibkr.csv": imports(
        "interactive_brokers_flex_trades",
        "buy=1",
        units={
            "isin:US9229087690": "17",
        },
    ),
    "transactions/ghostfolio_import/ok/without-accounts.json": imports(
        "ghostfolio_json",
        "buy=2 dividend=1",
        units={
            "source:ghostfolio/7e91b7d4-1430-4212-8380-289a06c9bbc1": "1", "yahoo:MSFT": "5",
        },
        rejected={
            29: "column units: a buy of 0 units moves nothing",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile02.xml": imports(
        "interactive_brokers_flex",
        "buy=5 dividend=1 fee=2 tax=1",
        units={
            "isin:DE0005140008": "10", "isin:DE0005190003": "141", "isin:DE000A0EQ578": "80",
            "isin:DE000BASF111": "100", "isin:US68389X1054": "100",
        },
        rejected={
            7: "column assetCategory: OPT is not held as units of an instrument",
            8: "column assetCategory: OPT is not held as units of an instrument",
            9: "column assetCategory: OPT is not held as units of an instrument",
            10: "column assetCategory: OPT is not held as units of an instrument",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile03.xml": imports(
        "interactive_brokers_flex",
        "interest=1",
        passed=1,
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile04.xml": imports(
        "interactive_brokers_flex",
        "buy=1",
        units={
            "isin:US0250727031": "14",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile06.xml": imports(
        "interactive_brokers_flex",
        "buy=2 dividend=2",
        units={
            "isin:US12514G1085": "25", "isin:US88579Y1010": "7",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile07.xml": imports(
        "interactive_brokers_flex",
        "buy=1",
        units={
            "isin:US8688612048": "120",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile08.xml": imports(
        "interactive_brokers_flex",
        "dividend=1 fee=1 tax=1",
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile09.xml": imports(
        "interactive_brokers_flex",
        "",
        passed=2,
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile10.xml": imports(
        "interactive_brokers_flex",
        "buy=1 deposit=1 withdrawal=1",
        units={
            "isin:US91680M1071": "10",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile11.xml": imports(
        "interactive_brokers_flex",
        "buy=1",
        units={
            "source:interactive_brokers/317467459": "14",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile13.xml": imports(
        "interactive_brokers_flex",
        "",
        rejected={
            6: "column assetCategory: CFD is not held as units of an instrument",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile14.xml": imports(
        "interactive_brokers_flex",
        "buy=6 deposit=4 fee=2 withdrawal=2",
        units={
            "isin:CH0237935652": "4", "isin:US9219097683": "10", "isin:US9229087690": "10",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile15.xml": imports(
        "interactive_brokers_flex",
        "buy=1 deposit=2",
        units={
            "isin:LU0090865873": "23.342",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile16.xml": imports(
        "interactive_brokers_flex",
        "buy=1 sell=1",
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile21.xml": imports(
        "interactive_brokers_flex",
        "buy=1 tax=1",
        units={
            "isin:DE000PE1MH84": "100",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile24.xml": imports(
        "interactive_brokers_flex",
        "dividend=9 fee=1",
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile25.xml": imports(
        "interactive_brokers_flex",
        "dividend=4",
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile26.xml": imports(
        "interactive_brokers_flex",
        "dividend=3 sell=1",
        units={
            "isin:US18915M1071": "-1",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile27.xml": imports(
        "interactive_brokers_flex",
        "buy=1",
        units={
            "isin:IE0032077012": "3",
        },
    ),
    "transactions/ibkr_flex/pp_testIBFlexStatementFile28.xml": imports(
        "interactive_brokers_flex",
        "",
        passed=2,
        rejected={
            8: "column symbol: 'TWD' is not a currency that Folio knows",
        },
    ),
    "transactions/traderepublic_csv/pp_TransactionExport01.csv": imports(
        "trade_republic",
        "bonus=1 buy=164 deposit=42 dividend=15 interest=34 reversal=9 sell=21 tax=10 withdrawal=39",
        units={
            "coin:BCH": "0.0167", "coin:BTC": "0.0011", "coin:ETH": "0.0036", "coin:LINK": "0.6",
            "coin:LTC": "0.0841", "coin:XRP": "7.2374", "isin:DE0005557508": "20",
            "isin:DE000TT2G3G7": "20", "isin:FR0010261198": "3.615141", "isin:FR0010429068": "33.720965",
            "isin:IE0007UPSEA3": "5.66277", "isin:IE00B53SZB19": "0.008327", "isin:KYG9830T1067": "1.3524",
            "isin:LU0496786574": "21.049978", "isin:LU3170240538": "200", "isin:NL0011585146": "0.0601",
            "isin:US02079K3059": "0.271808", "isin:US0378331005": "0.205714", "isin:US037833BH21": "25.55",
            "isin:US4330001060": "5.139802", "isin:US5949181045": "0.057711",
            "isin:US64110L1061": "0.45566", "isin:US69608A1088": "2", "isin:XS0875797515": "19.57",
            "isin:XS2790222116": "18.01",
        },
    ),
    "transactions/traderepublic_csv/pp_TransactionExport03.csv": imports(
        "trade_republic",
        "buy=1 deposit=2",
        units={
            "isin:IE00B5BMR087": "0.62977",
        },
    ),
    "transactions/traderepublic_csv/pp_TransactionExport04.csv": imports(
        "trade_republic",
        "dividend=4 reversal=4",
    ),
    "transactions/traderepublic_csv/pp_TransactionExport06.csv": imports(
        "trade_republic",
        "tax=1",
    ),
    "transactions/uk_brokers_kapji/exchange_rates_data.csv": refused(
        read_book, "holds rates of exchange"
    ),
    "transactions/uk_brokers_kapji/hl__data__inputs__hl-transaction-summary.csv": imports(
        "hargreaves_lansdown",
        "buy=1 deposit=1 fee=1 interest=1 sell=1",
        units={
            "source:hargreaves_lansdown/Vanguard FTSE Developed World UCITS ETF": "3563",
        },
    ),
    "transactions/uk_brokers_kapji/interactive_brokers__data__test_basic.csv": imports(
        "interactive_brokers_history",
        "buy=1 deposit=1 dividend=2 interest=1 reversal=1 sell=1 tax=3",
        units={
            "source:interactive_brokers/CNX1": "2",
        },
        passed=2,
    ),
    "transactions/uk_brokers_kapji/morgan_stanley__data__Releases_Net_Shares_Report.csv": imports(
        "morgan_stanley_net_releases",
        "",
        passed=1,
    ),
    "transactions/uk_brokers_kapji/morgan_stanley__data__Releases_Report.csv": imports(
        "morgan_stanley_releases",
        "transfer_in=2",
        units={
            "source:morgan_stanley/GSU Class C": "233.201",
        },
    ),
    "transactions/uk_brokers_kapji/morgan_stanley__data__Withdrawal_Wire_Report.csv": imports(
        "morgan_stanley_wires",
        "withdrawal=1",
    ),
    "transactions/uk_brokers_kapji/morgan_stanley__data__Withdrawals_Report.csv": imports(
        "morgan_stanley_withdrawals",
        "sell=2 withdrawal=2",
        units={
            "source:morgan_stanley/GSU Class C": "-32",
        },
        passed=1,
    ),
    "transactions/uk_brokers_kapji/raw__data__test_data.csv": imports(
        "plain_actions",
        "bonus=1 buy=8 dividend=2 sell=5",
        units={
            "ticker:AMZN": "210", "ticker:BABA": "30", "ticker:FB": "104", "ticker:META": "15",
            "ticker:OPRA": "120",
        },
    ),
    "transactions/uk_brokers_kapji/raw__data__test_data_2.csv": imports(
        "plain_actions",
        "bonus=1 buy=3 deposit=1 dividend=1 sell=2 withdrawal=1",
        units={
            "ticker:AMZN": "10", "ticker:FB": "100", "ticker:META": "-50",
        },
    ),
    "transactions/uk_brokers_kapji/schwab__data__2023__transactions.csv": imports(
        "schwab",
        "buy=3 deposit=1 sell=3",
    ),
    "transactions/uk_brokers_kapji/schwab__data__bond_interest__transactions.csv": imports(
        "schwab",
        "deposit=1 dividend=2 interest=2",
    ),
    "transactions/uk_brokers_kapji/schwab__data__interest_tax__transactions.csv": imports(
        "schwab",
        "interest=1 tax=1",
    ),
    "transactions/uk_brokers_kapji/schwab__data__rsu_settlement__awards.csv": refused(
        read_book, "holds releases of shares"
    ),
    "transactions/uk_brokers_kapji/schwab__data__rsu_settlement__transactions.csv": imports(
        "schwab",
        "buy=1 deposit=1 sell=1 transfer_in=1",
        units={
            "ticker:BAR": "300",
        },
    ),
    "transactions/uk_brokers_kapji/schwab__data__schwab_transactions.csv": imports(
        "schwab",
        "buy=6 deposit=1 interest=2 sell=4",
        units={
            "ticker:VUAG": "30.5",
        },
    ),
    "transactions/uk_brokers_kapji/sharesight__data__inputs__All_Trades_Report_-_Test.csv": imports(
        "sharesight_trades",
        "buy=5 sell=4 transfer_in=3 transfer_out=1",
        units={
            "coin:ETH": "2.585396612", "source:sharesight/FOO.NASDAQ": "5",
            "source:sharesight/FUND1.FundUK": "50",
        },
    ),
    "transactions/uk_brokers_kapji/sharesight__data__inputs__Taxable_Income_Report_-_Test.csv": imports(
        "sharesight_income",
        "dividend=2",
    ),
    "transactions/uk_brokers_kapji/spouse__data__recipient.csv": imports(
        "plain_actions",
        "sell=1 transfer_in=1",
    ),
    "transactions/uk_brokers_kapji/spouse__data__sender.csv": imports(
        "plain_actions",
        "buy=1 deposit=1 sell=1 transfer_out=1",
        units={
            "ticker:FOO": "40",
        },
    ),
    "transactions/uk_brokers_kapji/trading212__data__2020__from_2020-09-11_to_2021-04-02.csv": imports(
        "trading_212",
        "buy=4 deposit=2 dividend=1 sell=1",
        units={
            "isin:IE00BK5BQW10": "1", "isin:US67066G1040": "1",
        },
    ),
    "transactions/uk_brokers_kapji/trading212__data__2024__inputs__transactions.csv": imports(
        "trading_212",
        "buy=1 deposit=1 dividend=1 interest=2 sell=1 withdrawal=1",
    ),
    "transactions/uk_brokers_kapji/vanguard__data__cash_report.csv": imports(
        "vanguard_uk",
        "buy=4 deposit=4 dividend=3 fee=3 interest=1 reversal=2 sell=1 withdrawal=1",
        units={
            "source:vanguard_uk/BAR": "293",
            "source:vanguard_uk/Emerging Markets Stock Index Fund - Accumulation": "6.77",
            "source:vanguard_uk/FOO": "1550",
            "source:vanguard_uk/U.S. Equity Index Fund - Accumulation": "0.9232",
        },
    ),
    "transactions/wealthfolio/ai-import-european-broker.csv": imports(
        "releve",
        "buy=5 deposit=1 dividend=2 interest=1 sell=1 withdrawal=1",
        units={
            "isin:US02079K3059": "3", "isin:US0378331005": "15", "isin:US88160R1014": "5",
            "source:releve/Cloudflare": "50", "source:releve/Societe Generale": "10",
        },
    ),
    "transactions/wealthfolio/duplicate-detection.csv": imports(
        "wealthfolio_named",
        "buy=4 deposit=1 dividend=2 interest=1 sell=2 withdrawal=1",
        units={
            "yahoo:AAPL": "3", "yahoo:MSFT": "5", "yahoo:TD.TO": "10", "yahoo:VOO": "3",
        },
    ),
    "transactions/wealthfolio/sample-holdings-import.csv": refused(
        read_book, "holds holdings on days"
    ),
    "transactions/wealthfolio/sample-import.csv": imports(
        "wealthfolio",
        "buy=3 deposit=1 dividend=2 fee=1 interest=2 sell=1 split=1 tax=1 transfer_in=1 withdrawal=1",
        units={
            "yahoo:AAPL": "5", "yahoo:GOOGL": "2", "yahoo:MSFT": "5", "yahoo:TD.TO": "20",
        },
    ),
    "transactions/wealthfolio/schwab_no_title_row.csv": imports(
        "schwab",
        "buy=2 deposit=3 dividend=2 interest=1 sell=1",
        units={
            "ticker:BND": "34.9599",
        },
        rejected={
            9: "column Symbol: TSLA  230317P00180000 is an option, which is not held as units",
        },
    ),
    "transactions/xirr_cashflows_pyxirr/1938.csv": imports(
        "cash_flows",
        "deposit=30 withdrawal=23",
    ),
    "transactions/xirr_cashflows_pyxirr/minus_0_13.csv": imports(
        "cash_flows",
        "deposit=31 withdrawal=1",
    ),
    "transactions/xirr_cashflows_pyxirr/minus_0_99.csv": imports(
        "cash_flows",
        "deposit=1 withdrawal=1",
    ),
    "transactions/xirr_cashflows_pyxirr/minus_0_993.csv": imports(
        "cash_flows",
        "deposit=2 withdrawal=1",
        passed=1,
    ),
    "transactions/xirr_cashflows_pyxirr/minus_0_99999.csv": imports(
        "cash_flows",
        "deposit=1 withdrawal=1",
    ),
    "transactions/xirr_cashflows_pyxirr/random.csv": imports(
        "cash_flows",
        "deposit=467 withdrawal=533",
    ),
    "transactions/xirr_cashflows_pyxirr/rw-50.csv": imports(
        "cash_flows",
        "deposit=1 withdrawal=50",
    ),
    "transactions/xirr_cashflows_pyxirr/single_redemption.csv": imports(
        "cash_flows",
        "deposit=999 withdrawal=1",
    ),
    "transactions/xirr_cashflows_pyxirr/unordered.csv": imports(
        "cash_flows",
        "deposit=3 withdrawal=1",
    ),
    "transactions/xirr_cashflows_pyxirr/xnfv.csv": imports(
        "cash_flows",
        "deposit=3 withdrawal=4",
    ),
    "transactions/xirr_cashflows_pyxirr/zeros.csv": imports(
        "cash_flows",
        "deposit=1 withdrawal=5",
        passed=7,
    ),
}
# fmt: on


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_export_gives_what_is_expected(shared: Path, name: str) -> None:
    EXPECTED[name](shared / "data" / name)


# the same sums, found in the files themselves


def rows_of(path: Path, start: str, delimiter: str = ",") -> list[dict[str, str]]:
    """Rows below the line that begins with `start`, by their headings."""
    text = body_of(path).decode("utf-8-sig", errors="replace")
    below = text[text.index(start) :]
    return list(csv.DictReader(io.StringIO(below), delimiter=delimiter, restkey="more"))


def cash(made: Imported) -> dict[str | None, Decimal]:
    """Money that all events bring to the accounts less what they take, by currency."""
    into = {"sell", "dividend", "interest", "deposit"}
    out = {"buy", "withdrawal", "fee", "tax", "stamp_duty"}
    total: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    for event in made.events():
        kind, sign = (event.reverses, -1) if event.kind == "reversal" else (event.kind, 1)
        direction = 1 if kind in into else -1 if kind in out else 0
        costs = event.fee + event.tax
        total[event.currency] += sign * (direction * (event.amount or Decimal(0)) - costs)
    return {currency: size for currency, size in total.items() if size}


CASH = {
    "uk_brokers_kapji/vanguard__data__cash_report.csv": ("Date,", ",", "Amount", ".", {"GBP"}, set()),
    "broker_exports/finpension-bvg-export.csv": ("Date;", ";", "Cash Flow", ".", {"CHF"}, set()),
    "broker_exports/rabobank-export.csv": ("Portefeuille", ";", "Bedrag", ",", {"EUR"}, set()),
    "broker_exports/avanza-export.csv": ("Datum;", ";", "Belopp", ",", {"SEK"}, set()),
    "broker_exports/directa-export.csv": ("Data operazione", ",", "Importo euro", ".", {"EUR"}, {34, 35}),
    "uk_brokers_kapji/schwab__data__schwab_transactions.csv": ("Date,", ",", "Amount", ".", {"USD"}, set()),
    "uk_brokers_kapji/schwab__data__2023__transactions.csv": ('"Date"', ",", "Amount", ".", {"USD"}, set()),
    "uk_brokers_kapji/schwab__data__rsu_settlement__transactions.csv": (
        '"Date"', ",", "Amount", ".", {"USD"}, set(),
    ),
    "uk_brokers_kapji/interactive_brokers__data__test_basic.csv": (
        "Transaction History,Header", ",", "Net Amount", ".", {"GBP"}, {13, 16},
    ),
}  # fmt: skip
"""Exports with a signed column of what the account was charged or credited; lines that are not booked."""


@pytest.mark.parametrize("name", sorted(CASH))
def test_money_booked_is_the_money_of_the_files_own_column(shared: Path, name: str) -> None:
    start, delimiter, column, mark, currencies, left_out = CASH[name]
    path = shared / "data" / "transactions" / name
    text = body_of(path).decode("utf-8-sig", errors="replace")
    first = text[: text.index(start)].count("\n") + 2
    said = sum(
        (
            number(row[column], mark)
            for line, row in enumerate(rows_of(path, start, delimiter), start=first)
            if line not in left_out and row[column]
        ),
        Decimal(0),
    )
    assert cash(imported(path)) == ({next(iter(currencies)): said} if said else {})


TRADE_REPUBLIC_UNITS = {"BUY", "SELL", "PRIVATE_MARKET_BUY", "SPLIT"}


def signed(
    row: Mapping[str, str], column: str, mark: str, minus: Callable[[Mapping[str, str]], bool]
) -> Decimal:
    """Figure of a column without its sign, taken off where the row says so."""
    size = abs(number(row[column], mark))
    return -size if minus(row) else size


@pytest.mark.parametrize(
    ("name", "delimiter", "instrument", "units", "mark", "counts", "minus"),
    [
        (
            "traderepublic_csv/pp_TransactionExport01.csv", ";", "symbol", "shares", ".",
            lambda row: row["type"] in TRADE_REPUBLIC_UNITS or row["shares"][:1] == "-",
            lambda row: row["shares"][:1] == "-",
        ),
        (
            "broker_exports/parqet-export.csv", ";", "identifier", "shares", ",",
            lambda row: row["type"] in {"Buy", "Sell"}, lambda row: row["type"] == "Sell",
        ),
        (
            "broker_exports/rabobank-export.csv", ";", "Isin code", "Volume", ",",
            lambda row: "Fondsen" in row["Type mutatie"], lambda row: row["Volume"][:1] == "-",
        ),
        (
            "broker_exports/freetrade-export.csv", ",", "ISIN", "Quantity", ".",
            lambda row: bool(row["Buy / Sell"]), lambda row: row["Buy / Sell"] == "SELL",
        ),
        (
            "broker_exports/ibkr-trades-export.csv", ",", "ISIN", "Quantity", ".",
            lambda row: bool(row["ISIN"]), lambda row: row["Buy/Sell"] == "SELL",
        ),
    ],
)  # fmt: skip
def test_units_held_are_the_sum_of_the_files_own_column(
    shared: Path,
    name: str,
    delimiter: str,
    instrument: str,
    units: str,
    mark: str,
    counts: Callable[[Mapping[str, str]], bool],
    minus: Callable[[Mapping[str, str]], bool],
) -> None:
    path = shared / "data" / "transactions" / name
    said: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows_of(path, "", delimiter):
        if counts(row):
            said[row[instrument]] += signed(row, units, mark, minus)
    made = {n.partition(":")[2]: size for n, size in imported(path).closing_units().items()}
    assert made == {name: size for name, size in said.items() if size}


def test_coins_end_at_the_balances_of_the_exchange(shared: Path) -> None:
    path = shared / "data/transactions/crypto_exports_rotki/coinbasepro.csv"
    last = {row["Amount/balance unit"]: Decimal(row["Balance"]) for row in rows_of(path, "Portfolio")}
    assert imported(path).closing_units() == {f"coin:{code}": size for code, size in last.items()}


def test_flex_trades_add_up_to_the_quantities_of_the_query(shared: Path) -> None:
    for path in sorted((shared / "data/transactions/ibkr_flex").glob("*.xml")):
        said: defaultdict[str, Decimal] = defaultdict(Decimal)
        for trade in ElementTree.parse(path).getroot().iter("Trade"):
            if trade.get("assetCategory") in {"STK", "FUND", "IOPT"}:
                said[trade.get("conid", "")] += Decimal(trade.get("quantity", ""))
        made = imported(path).closing_units()
        assert sorted(made.values()) == sorted(size for size in said.values() if size), path.name


def test_statements_say_what_the_transactions_add_up_to_or_the_difference_is_named(shared: Path) -> None:
    found = {}
    for path in sorted((shared / "data/transactions/cas").glob("cas_*.json")):
        made = imported(path)
        for statement in made.statements:
            booked = made.closing_units()[statement.instrument]
            found[path.stem, statement.account, statement.instrument] = (booked, statement.units)
    assert found == {
        ("cas_hdfc_sip_7txn", "99999999 / 99", "amfi:125745"): (Decimal(500), Decimal(500)),
        # the statement holds 5 of the folio's transactions, its balance is that of all
        ("cas_icici_5txn", "10000001 / 43", "amfi:120684"): (Decimal("141.075"), Decimal("3801.107")),
    }
