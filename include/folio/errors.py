"""The error tree: every error Folio raises on purpose, under one root, saying what is wrong."""


class FolioError(Exception):
    """Root of all errors that Folio raises on purpose; its text is fit to show to a user."""


class SettingsError(FolioError):
    """The environment lacks a setting or holds one that cannot be used."""


class ServiceError(FolioError):
    """A local service (Postgres, Airflow, API, sandbox, mail catcher) did not start, answer or stop."""


class SourceError(FolioError):
    """A provider did not give a usable payload: status, redirect, size, content or transport."""


class PayloadError(FolioError):
    """A stored payload cannot be read as the format its source promises."""


class LoadError(FolioError):
    """A load cannot start, land or be accepted."""


class NightError(FolioError):
    """A night's id is malformed, or the night may not run now."""


class GateError(FolioError):
    """A check on built tables failed: the night must not be published."""


class PublicationError(FolioError):
    """The built tables cannot be published as they are."""


class TransformationError(FolioError):
    """A dbt stage failed; the text names the models and tests that did."""


class InfluxError(FolioError):
    """InfluxDB refused points or a question, or took only some of the points."""


class InfluxAway(InfluxError):
    """InfluxDB does not answer; what it lacks is written when it is back."""


class LotError(FolioError):
    """A ledger cannot be turned into lots."""


class LedgerError(FolioError):
    """A booking cannot be taken: more is sold than held, or its currency has no rate."""


class CashFlowError(FolioError):
    """Cash flows have no rate by their shape: lengths differ, not finite, or one sign only."""


class NoRateFound(CashFlowError):
    """No rate in the search range solves the cash flows."""


class RiskError(FolioError):
    """A return series cannot give the risk measure asked for."""


class OrderError(FolioError):
    """A rebalance problem is malformed or the solver gave no plan."""


class AdviceError(FolioError):
    """A recommendation could not be written or did not pass its checks."""


class DeliveryError(FolioError):
    """A mail could not be rendered or sent."""
