"""A local HTTP server that speaks the providers' wire formats, from demo data or recorded payloads."""

from folio.sources.sandbox.faults import Fault
from folio.sources.sandbox.recordings import recorded_instants
from folio.sources.sandbox.server import Sandbox

__all__ = ["Fault", "Sandbox", "recorded_instants"]
